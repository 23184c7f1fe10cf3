"""QuantDTypeCast nodes where int8 begins and ends: one for a value, however many nodes read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType, Node, TensorType, Value
from converter.ir.editing import insert_after, insert_before, replace_uses, wire
from converter.ops.lite_fields import defaults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.ir import Graph, QuantParam


def cast_at_borders(graph: Graph, nodes: Sequence[Node], params: Mapping[int, QuantParam]) -> None:
    """Let `nodes` read and write int8, with the parameter of each value by its identity."""
    inside = set(map(id, nodes))
    values = {id(value): value for node in nodes for value in (*node.inputs, *node.outputs[:1]) if id(value) in params}
    for value in values.values():
        param = params[id(value)]
        made_inside = value.producer is not None and id(value.producer) in inside
        readers = [user for user in dict.fromkeys(value.users) if id(user) in inside]
        others = [user for user in dict.fromkeys(value.users) if id(user) not in inside]
        is_output = any(each is value for each in graph.outputs)
        if made_inside and (others or is_output):
            _leave(graph, value, param, readers)
        elif made_inside:
            value.type, value.quant = TensorType(DType.INT8, value.type.shape), (param,)
        elif readers:
            _enter(graph, value, param, readers)


def _leave(graph: Graph, value: Value, param: QuantParam, readers: Sequence[Node]) -> None:
    """The producer writes int8, a cast behind it makes the float value that others, or the user, read."""
    producer = value.producer
    if producer is None:
        return
    levels = _twin(value, DType.INT8, param, "int8")
    replace_uses(graph, value, levels, only=readers)
    value.quant = (param,)
    wire(producer, producer.inputs, (levels, *producer.outputs[1:]))
    cast = _cast(f"{value.name}_dequantize", producer, DType.INT8, DType.FLOAT32)
    insert_after(graph, producer, wire(cast, (levels,), (value,)))


def _enter(graph: Graph, value: Value, param: QuantParam, readers: Sequence[Node]) -> None:
    """A cast in front of the first reader makes the int8 value that all of them read."""
    levels = _twin(value, DType.INT8, param, "int8")
    replace_uses(graph, value, levels, only=readers)
    value.quant = (param,)
    first = next(node for node in graph.nodes if node in readers)
    cast = _cast(f"{value.name}_quantize", first, DType.FLOAT32, DType.INT8)
    insert_before(graph, first, wire(cast, (value,), (levels,)))


def _twin(value: Value, dtype: DType, param: QuantParam, suffix: str) -> Value:
    twin = Value(f"{value.name}_{suffix}", TensorType(dtype, value.type.shape), layout=value.layout)
    twin.quant = (param,)
    return twin


def _cast(name: str, beside: Node, source: DType, target: DType) -> Node:
    attrs = {**defaults("QuantDTypeCast"), "src_t": int(source), "dst_t": int(target)}
    return Node("QuantDTypeCast", name, beside.origin.derived("quantize"), attrs=attrs)
