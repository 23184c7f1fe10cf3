"""Nodes that nothing depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import remove
from converter.ops.lite_ops import LITE_OPS
from converter.passes.normalize.side_effects import written

if TYPE_CHECKING:
    from converter.ir import Model, Node


def remove_dead_code(model: Model) -> bool:
    """Remove nodes whose results nobody reads, except those that write a variable: on the device every node runs."""
    changed = False
    for graph in model.graphs:
        needed = {id(value.producer) for value in graph.outputs if value.producer is not None}
        dead: list[Node] = []
        for node in reversed(graph.nodes):
            if id(node) in needed or _writes(node):
                needed.update(id(value.producer) for value in node.inputs if value.producer is not None)
            else:
                dead.append(node)
        remove(graph, dead)
        changed |= bool(dead)
    return changed


def _writes(node: Node) -> bool:
    """Whether the node updates a variable, in either vocabulary."""
    lite = LITE_OPS.get(node.op)
    return bool(written(node)) or (lite is not None and bool(lite.writes))
