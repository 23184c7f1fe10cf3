"""`--inputDataType` and `--outputDataType` INT8 and UINT8: levels of a fully quantized model at its borders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from converter.ir import DType, Note, TensorType
from converter.ir.editing import remove, replace_uses, set_input, wire

if TYPE_CHECKING:
    from converter.ir import Model, Node, QuantParam, Value

_LEVELS = frozenset({DType.INT8, DType.UINT8})
_OFFSET = 128  # between levels of uint8 and of int8
_CAST = "QuantDTypeCast"


def set_quantized_types(model: Model) -> None:
    """Let inputs and outputs be integers where a cast between them and float is all that they meet."""
    inputs, outputs = model.wanted.input_type, model.wanted.output_type
    if inputs in _LEVELS:
        done = [_set_input(model, value, inputs) for value in model.main.inputs]
        _warn(model, "input", inputs, any(done))
    if outputs in _LEVELS:
        done = [_set_output(model, index, outputs) for index in range(len(model.main.outputs))]
        _warn(model, "output", outputs, any(done))


def _set_input(model: Model, value: Value, wanted: DType) -> bool:
    """before: x:float32 → QuantDTypeCast → int8        after: x:int8, or x:uint8 → QuantDTypeCast → int8."""
    casts = list(dict.fromkeys(value.users))
    if not casts or any(not _casts(node, DType.FLOAT32, DType.INT8) for node in casts):
        return False
    param = casts[0].outputs[0].quant[0]
    for cast in casts:
        if wanted is DType.INT8:
            replace_uses(model.main, cast.outputs[0], value)
            remove(model.main, [cast])
        else:
            cast.attrs["src_t"] = int(wanted)
    _become(model, "input", value, wanted, param)
    return True


def _set_output(model: Model, index: int, wanted: DType) -> bool:
    """before: int8 → QuantDTypeCast → y:float32        after: y:int8, or int8 → QuantDTypeCast → y:uint8."""
    value = model.main.outputs[index]
    cast = value.producer
    if cast is None or not _casts(cast, DType.INT8, DType.FLOAT32) or value.users:
        return False
    levels = cast.inputs[0]
    param = levels.quant[0]
    if wanted is DType.UINT8:
        cast.attrs["dst_t"] = int(wanted)
    elif levels.producer is None:
        return False
    else:
        maker = levels.producer
        for user in dict.fromkeys(levels.users):
            for place, each in enumerate(user.inputs):
                if each is levels and user is not cast:
                    set_input(user, place, value)
        remove(model.main, [cast])
        wire(maker, maker.inputs, tuple(value if each is levels else each for each in maker.outputs))
    _become(model, "output", value, wanted, param)
    return True


def _casts(node: Node, source: DType, target: DType) -> bool:
    """Whether a node is the cast between two types."""
    return node.op == _CAST and (node.attrs["src_t"], node.attrs["dst_t"]) == (int(source), int(target))


def _become(model: Model, place: str, value: Value, wanted: DType, param: QuantParam) -> None:
    """Give a value its type and what its levels mean."""
    zero_point = param.zero_point + (_OFFSET if wanted is DType.UINT8 else 0)
    value.quant = (replace(param, zero_point=zero_point),)
    value.type = TensorType(wanted, value.type.shape)
    meaning = f"(q - {zero_point}) * {param.scale:.9g}"
    model.notes.append(Note("type", f"{place} {value.name!r} is {wanted.name.lower()}, q stands for {meaning}"))


def _warn(model: Model, place: str, wanted: DType | None, is_done: bool) -> None:
    if wanted is not None and not is_done:
        message = f"no {place} can become {wanted.name.lower()}: that takes a fully quantized model"
        model.notes.append(Note("warning", message))
