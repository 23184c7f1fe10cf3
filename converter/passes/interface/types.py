"""`--inputDataType` and `--outputDataType`: a Cast behind an input, or before an output."""

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
_KINDS = (
    frozenset({DType.FLOAT16, DType.FLOAT32}),
    frozenset({DType.INT16, DType.INT32, DType.INT64}),
)


def set_interface_types(model: Model) -> bool:
    """Give inputs and outputs the type that the user asks for, where theirs is of the same kind: float, or integer.

    before: x:float32 → …        after: x:float16 → Cast → …

    A type that is of no input's or output's kind is a warning.
    """
    changed = _set(model, "input", model.main.inputs, model.wanted.input_type)
    return _set(model, "output", model.main.outputs, model.wanted.output_type) or changed


def _set(model: Model, place: str, values: list[Value], wanted: DType | None) -> bool:
    """One side of the interface."""
    fitting = [index for index, value in enumerate(values) if _is_alike(value.type.dtype, wanted)]
    for index in fitting:
        value = values[index]
        if value.type.dtype is not wanted and wanted is not None:
            own = value.type.dtype.name.lower()
            model.notes.append(Note("type", f"{place} {value.name!r} is {wanted.name.lower()} instead of {own}"))
            (_cast_input if place == "input" else _cast_output)(model, index, wanted)
    if wanted is not None and not fitting:
        message = f"no {place} can become {wanted.name.lower()}: the type of every {place} stays as it is"
        model.notes.append(Note("warning", message))
    return any(values[index].type.dtype is wanted for index in fitting)


def _is_alike(own: DType, wanted: DType | None) -> bool:
    """Whether one type can be cast to the other without changing what it means."""
    return any(own in kind and wanted in kind for kind in _KINDS)


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
    """A cast value takes the output's place and name."""
    graph, value = model.main, model.main.outputs[index]
    if value.producer is None:
        return
    result = Value(value.name, TensorType(wanted, value.type.shape), layout=value.layout)
    graph.nodes.append(_cast(value, result, value.producer))
    graph.outputs[index] = result


def _cast(source: Value, result: Value, near: Node) -> Node:
    """The Cast between two values."""
    name = f"{source.name or near.name}_post_cast"
    target = constant(f"{name}_type", np.array(int(result.type.dtype), np.int32))
    return lite_node("Cast", name, near.origin.derived(_MADE_BY), [source, target], [result])
