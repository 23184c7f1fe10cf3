"""`--inputDataType` and `--outputDataType`: casts at the borders, and what they cannot change."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import INT, lite, model, numbered, value

from converter.ir import DType, Interface, Model, Note, Value
from converter.ir.verifier import problems_of
from converter.passes.interface.types import set_interface_types
from converter.reference import Session

HALF, LONG = DType.FLOAT16, DType.INT64


def lookup() -> Model:
    """Rows of a table by integers, and the integers doubled."""
    table = numbered("table", np.arange(21, dtype=np.float32).reshape(7, 3))
    index = value("i", 5, dtype=INT)
    rows = value("rows", 5, 3)
    gather = lite("Gather", [table, index, numbered("axis", np.zeros(1, np.int32))], [rows], "gather")
    double = lite("AddFusion", [index, index], name="double")
    return model([gather, double], [index], [rows, double.outputs[0]])


def wanting(each: Model, inputs: DType | None = None, outputs: DType | None = None) -> Model:
    each.wanted = Interface(input_type=inputs, output_type=outputs)
    return each


def types(values: list[Value]) -> list[DType]:
    return [each.type.dtype for each in values]


def test_without_a_wish_nothing_changes() -> None:
    each = lookup()
    assert not set_interface_types(each)
    assert [node.op for node in each.main.nodes] == ["Gather", "AddFusion"]


def test_integers_of_another_size_are_cast_once_for_all_readers() -> None:
    each = wanting(lookup(), inputs=LONG)
    assert set_interface_types(each)
    assert types(each.main.inputs) == [LONG]
    assert [node.op for node in each.main.nodes] == ["Cast", "Gather", "AddFusion"]
    assert problems_of(each) == []
    assert each.notes == [Note("type", "input 'i' is int64 instead of int32")]
    rows, doubled = Session(each).infer([np.array([6, 0, 2, 2, 1], np.int64)]).values()
    assert rows[:, 0].tolist() == [18, 0, 6, 6, 3]
    assert doubled.tolist() == [12, 0, 4, 4, 2]


def test_the_type_that_is_there_takes_no_cast() -> None:
    each = wanting(lookup(), inputs=INT, outputs=DType.FLOAT32)
    assert not set_interface_types(each)
    assert each.notes == []


def test_a_half_output_becomes_float_and_integers_keep_their_type() -> None:
    x = value("x", 2, 3, dtype=HALF)
    double = lite("AddFusion", [x, x], name="double")
    count = lite("Shape", [x], [value("count", 2, dtype=INT)], "count")
    each = wanting(model([double, count], [x], [double.outputs[0], count.outputs[0]]), outputs=DType.FLOAT32)
    assert set_interface_types(each)
    assert types(each.main.outputs) == [DType.FLOAT32, INT]
    assert each.main.nodes[-1].op == "Cast"
    assert each.main.nodes[-1].inputs[0] is double.outputs[0]
    assert each.notes == [Note("type", "output 'double' is float32 instead of float16")]
    assert problems_of(each) == []


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (DType.FLOAT32, None, "no input can become float32: each stays as it is"),
        (None, LONG, "no output can become int64: each stays as it is"),
    ],
)
def test_a_type_of_no_ones_kind_is_a_warning(inputs: DType | None, outputs: DType | None, message: str) -> None:
    x = value("x", 2, 3) if inputs is None else value("x", 2, 3, dtype=INT)
    double = lite("AddFusion", [x, x], name="double")
    each = wanting(model([double], [x], double.outputs), inputs, outputs)
    assert not set_interface_types(each)
    assert each.notes == [Note("warning", message)]


def test_an_input_that_nobody_reads_gets_its_type() -> None:
    x, unread = value("x", 2, 3), value("unread", 5, dtype=INT)
    double = lite("AddFusion", [x, x], name="double")
    each = wanting(model([double], [x, unread], double.outputs), inputs=LONG)
    assert set_interface_types(each)
    assert types(each.main.inputs) == [DType.FLOAT32, LONG]
    assert len(each.main.nodes) == 1


def test_an_input_that_is_an_output_too_comes_out_as_it_was() -> None:
    x = value("x", 5, dtype=INT)
    double = lite("AddFusion", [x, x], name="double")
    each = wanting(model([double], [x], [*double.outputs, x]), inputs=LONG)
    assert set_interface_types(each)
    assert types(each.main.outputs) == [INT, INT]
    assert problems_of(each) == []
