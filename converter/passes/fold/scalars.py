"""Arithmetic on single numbers that several optimizers repeat, done once per step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import remove, replace_uses
from converter.passes.fold.constants import written_variables

if TYPE_CHECKING:
    from collections.abc import Hashable

    from converter.ir import Graph, Model, Node, Value

_PURE = frozenset(
    {"AddFusion", "Cast", "Cos", "ExpFusion", "Floor", "Greater", "Log", "Maximum", "Minimum", "MulFusion", "Neg"}
    | {"PowFusion", "RealDiv", "Reshape", "Rsqrt", "Sin", "Sqrt", "Square", "SubFusion"}
)
# Nodes that the device tells apart by their names are not merged across these marks.
_MARKS = ("Gradients", "_loss_fn", "loss_fct", "SigmoidCrossEntropy")


def share_scalars(model: Model) -> bool:
    """Let nodes that compute the same single number from the same values be one node."""
    changed = False
    for graph in model.graphs:
        variables = written_variables(graph)
        while _share(graph, variables):
            changed = True
    return changed


def _share(graph: Graph, variables: set[int]) -> bool:
    """One sweep."""
    first: dict[Hashable, Node] = {}
    repeated: list[Node] = []
    for node in graph.nodes:
        if node.op in _PURE and node.outputs[0].type.is_static and node.outputs[0].type.size == 1:
            kept = first.setdefault(_key(node, variables), node)
            if kept is not node:
                replace_uses(graph, node.outputs[0], kept.outputs[0])
                repeated.append(node)
    _remove(graph, repeated)
    return bool(repeated)


def _key(node: Node, variables: set[int]) -> Hashable:
    """What two nodes must have in common: everything but their names."""
    marks = tuple(mark in node.name for mark in _MARKS)
    attrs = tuple(sorted((name, repr(value)) for name, value in node.attrs.items()))
    inputs = tuple(_identity(value, variables) for value in node.inputs)
    return node.op, node.outputs[0].type, attrs, inputs, marks, frozenset(id(earlier) for earlier in node.after)


def _identity(value: Value, variables: set[int]) -> Hashable:
    """Single constants by their bytes, everything else by itself."""
    if value.const is None or id(value) in variables or value.type.size > 1:
        return id(value)
    return value.type, value.const.array().tobytes()


def _remove(graph: Graph, nodes: list[Node]) -> None:
    """Take out nodes that nobody reads any more; who waited for one already waits for the one that stays."""
    gone = {id(node) for node in nodes}
    for node in graph.nodes:
        node.after = tuple(earlier for earlier in node.after if id(earlier) not in gone)
    remove(graph, nodes)
