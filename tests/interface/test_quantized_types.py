"""INT8 and UINT8 interfaces of fully quantized models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graphs import lite, model, numbered, value

from converter.ir import DType, Interface, Model, Node, Note, QuantParam, Value
from converter.ir.verifier import problems_of
from converter.quantize.interface import set_quantized_types
from converter.reference import Session

PARAM = QuantParam(0.25, 3)
FLOAT, INT8, UINT8 = DType.FLOAT32, DType.INT8, DType.UINT8


def cast(source: Value, result: Value) -> Node:
    return lite(
        "QuantDTypeCast", [source], [result], result.name, src_t=int(source.type.dtype), dst_t=int(result.type.dtype)
    )


def turned(*, extra: bool = False) -> Model:
    """x -> int8 -> Transpose -> int8 -> y; with `extra`, x and the turned levels are read as floats, too."""
    x, levels, moved, y = value("x", 2, 3), value("l", 2, 3, dtype=INT8), value("m", 3, 2, dtype=INT8), value("y", 3, 2)
    for each in (levels, moved):
        each.quant = (PARAM,)
    permutation = numbered("perm", np.array([1, 0], np.int32))
    nodes = [
        cast(x, levels),
        lite("Transpose", [levels, permutation], [moved], "turn"),
        cast(moved, y),
    ]
    nodes[1].quant_type = 5
    outputs = [y]
    if extra:
        nodes.append(lite("AddFusion", [x, x], name="double"))
        nodes.append(lite("AddFusion", [y, y], name="twice"))
        outputs += [nodes[-2].outputs[0], nodes[-1].outputs[0]]
    return model(nodes, [x], outputs)


def wanting(each: Model, wanted: DType) -> Model:
    each.wanted = Interface(input_type=wanted, output_type=wanted)
    set_quantized_types(each)
    assert problems_of(each) == []
    return each


@pytest.mark.parametrize(("wanted", "offset", "operators"), [(INT8, 0, 1), (UINT8, 128, 3)])
def test_levels_go_in_and_come_out(wanted: DType, offset: int, operators: int) -> None:
    numbers = np.array([[-2.0, 0.5, 7.25], [1.0, -0.25, 30.0]], np.float32)
    (expected,) = Session(turned()).infer([numbers]).values()
    each = wanting(turned(), wanted)
    assert len(each.main.nodes) == operators
    assert [end.type.dtype for end in (*each.main.inputs, *each.main.outputs)] == [wanted, wanted]
    levels: Any = (numbers / 0.25 + 3 + offset).astype(wanted.numpy)
    (found,) = Session(each).infer([levels]).values()
    (param,) = each.main.outputs[0].quant
    assert param.zero_point == 3 + offset
    assert ((found.astype(np.float32) - param.zero_point) * param.scale).tolist() == expected.tolist()
    assert each.notes[0] == Note("type", f"input 'x' is {wanted.name.lower()}, q stands for (q - {3 + offset}) * 0.25")


def test_what_is_read_as_float_too_stays_float() -> None:
    each = wanting(turned(extra=True), INT8)
    assert [end.type.dtype for end in (*each.main.inputs, *each.main.outputs)] == [FLOAT] * 4
    assert each.notes == [
        Note("warning", "no input can become int8: that takes a fully quantized model"),
        Note("warning", "no output can become int8: that takes a fully quantized model"),
    ]


def test_a_float_model_has_no_levels() -> None:
    x = value("x", 2, 3)
    double = lite("AddFusion", [x, x], name="double")
    each = wanting(model([double], [x], double.outputs), UINT8)
    assert [note.message for note in each.notes] == [
        "no input can become uint8: that takes a fully quantized model",
        "no output can become uint8: that takes a fully quantized model",
    ]


def test_an_int8_output_that_others_read_keeps_its_readers() -> None:
    each = turned()
    moved = each.main.nodes[1].outputs[0]
    back = value("b", 2, 3, dtype=INT8)
    back.quant = (PARAM,)
    turn = lite("Transpose", [moved, numbered("perm2", np.array([1, 0], np.int32))], [back], "back")
    turn.quant_type = 5
    each.main.nodes.append(turn)
    each.main.outputs.append(back)
    wanting(each, INT8)
    assert turn.inputs[0] is each.main.outputs[0]
    first, second = Session(each).infer([np.arange(6, dtype=np.int8).reshape(2, 3)]).values()
    assert second.tolist() == first.T.tolist()
