"""Nodes that compute the same from the same, done once per step: optimizers and unrolled loops repeat themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import remove, replace_uses
from converter.ops.lite_ops import LITE_OPS
from converter.passes.fold.constants import written_variables
from converter.reference.roles import GRADIENT_NAME, LOSS_NAMES

if TYPE_CHECKING:
    from collections.abc import Hashable

    from converter.ir import Graph, Model, Node, Value

# Each run draws other numbers, or runs another graph.
_NEVER = frozenset({"Dropout", "PartialFusion", "Switch", "Call"})
# Constants up to this size (numbers, axes, shapes) are compared by their bytes, greater ones are equal to themselves.
_SMALL = 64


def merge_equal_nodes(model: Model) -> bool:
    """Let nodes that compute the same from the same values be one node."""
    changed = False
    for graph in model.graphs:
        variables = written_variables(graph)
        while _merge(graph, variables):
            changed = True
    return changed


def device_marks(node: Node) -> tuple[bool, ...]:
    """What the device tells from the name of a node: nodes that differ in it are no substitutes for each other."""
    return tuple(mark in node.name for mark in (GRADIENT_NAME, *LOSS_NAMES))


def _merge(graph: Graph, variables: set[int]) -> bool:
    """One sweep."""
    first: dict[Hashable, Node] = {}
    repeated: list[Node] = []
    for node in graph.nodes:
        lite = LITE_OPS.get(node.op)
        if lite is None or lite.writes or node.op in _NEVER:
            continue
        kept = first.setdefault(_key(node, variables), node)
        if kept is not node:
            for value, same in zip(node.outputs, kept.outputs, strict=True):
                replace_uses(graph, value, same)
            repeated.append(node)
    _remove(graph, repeated)
    return bool(repeated)


def _key(node: Node, variables: set[int]) -> Hashable:
    """What two nodes must have in common: everything but their names."""
    attrs = tuple(sorted((name, repr(value)) for name, value in node.attrs.items()))
    inputs = tuple(_identity(value, variables) for value in node.inputs)
    types = tuple(value.type for value in node.outputs)
    return node.op, types, attrs, inputs, device_marks(node), frozenset(id(earlier) for earlier in node.after)


def _identity(value: Value, variables: set[int]) -> Hashable:
    """Small constants by their bytes, everything else by itself."""
    if value.const is None or id(value) in variables or value.const.nbytes > _SMALL:
        return id(value)
    return value.type, value.const.array().tobytes()


def _remove(graph: Graph, nodes: list[Node]) -> None:
    """Take out nodes that nobody reads any more; who waited for one already waits for the one that stays."""
    gone = {id(node) for node in nodes}
    for node in graph.nodes:
        node.after = tuple(earlier for earlier in node.after if id(earlier) not in gone)
    remove(graph, nodes)
