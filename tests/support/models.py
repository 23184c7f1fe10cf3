"""Structural equality of models, as plain data that pytest can show the difference of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.ops.encoding import EncodedTensor

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node, Value


def structure(model: Model) -> list[dict[str, Any]]:
    """Everything that a `.ms` file says about a model: per graph its interface, nodes and tensors."""
    return [_graph(graph) for graph in model.graphs]


def stored_bytes(value: Value) -> bytes:
    """The bytes of a constant as they are in a file."""
    assert value.const is not None
    return b"".join(bytes(chunk) for chunk in value.const.chunks())


def _graph(graph: Graph) -> dict[str, Any]:
    values = {id(v): v for node in graph.nodes for v in (*node.inputs, *node.outputs)}
    values.update((id(value), value) for value in [*graph.inputs, *graph.outputs])
    return {
        "inputs": [value.name for value in graph.inputs],
        "outputs": [value.name for value in graph.outputs],
        "nodes": [_node(node) for node in graph.nodes],
        "tensors": {value.name: _value(value) for value in values.values()},
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "op": node.op,
        "name": node.name,
        "attrs": {name: value for name, value in node.attrs.items() if value is not None},
        "inputs": [value.name for value in node.inputs],
        "outputs": [value.name for value in node.outputs],
        "quant_type": node.quant_type,
    }


def _value(value: Value) -> dict[str, Any]:
    encoding = int(value.const.encoding) if isinstance(value.const, EncodedTensor) else 0
    return {
        "type": str(value.type),
        "layout": value.layout.name,
        "quant": value.quant,
        "bytes": stored_bytes(value) if value.const is not None else None,
        "encoding": encoding,
    }
