"""`--inputDataType` and `--outputDataType` of what is not quantized: a Cast behind an input, before an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, Note, TensorType, Value
from converter.ir.editing import insert_before, replace_uses
from converter.ops.context import constant
from converter.ops.lite_fields import lite_node

if TYPE_CHECKING:
    from converter.ir import Model, Node

_MADE_BY = "set-interface-types"
_KINDS = (frozenset({DType.FLOAT16, DType.FLOAT32}), frozenset({DType.INT16, DType.INT32, DType.INT64}))


def set_interface_types(model: Model) -> bool:
    """Give inputs and outputs the type that the user asks for, where theirs is of the same kind: float, or integer.

    before: i:int32 → Gather        after: i:int64 → Cast → int32 → Gather

    A type of which there is no input or output is a warning. Those of quantized numbers wait for the quantization.
    """
    changed = _set(model, "input", model.main.inputs, model.wanted.input_type)
    return _set(model, "output", model.main.outputs, model.wanted.output_type) or changed


def _set(model: Model, place: str, values: list[Value], wanted: DType | None) -> bool:
    """One side of the interface."""
    kind = next((kind for kind in _KINDS if wanted in kind), None)
    if kind is None or wanted is None:
        return False
    alike = [index for index, value in enumerate(values) if value.type.dtype in kind]
    if not alike:
        model.notes.append(Note("warning", f"no {place} can become {wanted.name.lower()}: each stays as it is"))
    others = [index for index in alike if values[index].type.dtype is not wanted]
    for index in others:
        own = values[index].type.dtype.name.lower()
        message = f"{place} {values[index].name!r} is {wanted.name.lower()} instead of {own}"
        model.notes.append(Note("type", message))
        (_cast_input if place == "input" else _cast_output)(model, index, wanted)
    return bool(others)


def _cast_input(model: Model, index: int, wanted: DType) -> None:
    """The input gets the wanted type; its readers get a cast value of its old one."""
    graph, value = model.main, model.main.inputs[index]
    readers = list(value.users)
    inner = Value(f"{value.name}_post_cast", value.type, layout=value.layout)
    replace_uses(graph, value, inner)
    value.type = TensorType(wanted, value.type.shape)
    if readers:
        first = next(node for node in graph.nodes if node in readers)
        insert_before(graph, first, _cast(value, inner, first))


def _cast_output(model: Model, index: int, wanted: DType) -> None:
    """A cast value takes the output's place."""
    graph, value = model.main, model.main.outputs[index]
    if value.producer is None:
        return
    result = Value("", TensorType(wanted, value.type.shape), layout=value.layout)
    graph.nodes.append(_cast(value, result, value.producer))
    graph.outputs[index] = result


def _cast(source: Value, result: Value, near: Node) -> Node:
    """The Cast between two values."""
    name = f"{source.name or near.name}_post_cast"
    target = constant(f"{name}_type", np.array(int(result.type.dtype), np.int32))
    return lite_node("Cast", name, near.origin.derived(_MADE_BY), [source, target], [result])
