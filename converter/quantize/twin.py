"""A copy of a model that keeps its wiring while the original is quantized; constants are shared, not copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from converter.ir import Graph, Model, Node, Value
from converter.ir.editing import wire

Copied: TypeAlias = Callable[[Value], Value]


def twin_of(model: Model) -> Model:
    """The same graphs of new nodes and values. Models of several graphs share values, so each is copied once."""
    values: dict[int, Value] = {}

    def copied(value: Value) -> Value:
        if id(value) not in values:
            values[id(value)] = replace(value, producer=None, users=[])
        return values[id(value)]

    return replace(model, graphs=[_twin_graph(graph, copied) for graph in model.graphs], notes=[])


def _twin_graph(graph: Graph, copied: Copied) -> Graph:
    nodes = []
    for node in graph.nodes:
        new = Node(node.op, node.name, node.origin, attrs=dict(node.attrs), graphs=node.graphs)
        nodes.append(wire(new, [copied(each) for each in node.inputs], [copied(each) for each in node.outputs]))
    return Graph(graph.name, [copied(v) for v in graph.inputs], [copied(v) for v in graph.outputs], nodes)
