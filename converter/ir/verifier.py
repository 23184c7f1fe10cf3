"""What is true of every model between passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir.graph import Graph, Model, Node, Value


def problems_of(model: Model) -> list[str]:
    """Everything that is inconsistent, in words; empty for a valid model."""
    return [f"{graph.name}: {problem}" for graph in model.graphs for problem in _graph_problems(graph)]


def _graph_problems(graph: Graph) -> list[str]:
    """Wiring, order and provenance of one graph."""
    found: list[str] = []
    members = {id(node) for node in graph.nodes}
    if len(members) != len(graph.nodes):
        found.append("a node stands in the list twice")
    seen: set[int] = set()
    for node in graph.nodes:
        found += _node_problems(node)
        for value in node.inputs:
            if value.producer is not None and id(value.producer) in members and id(value.producer) not in seen:
                found.append(f"{node} stands before {value.producer}, which makes its input {value.name!r}")
        seen.add(id(node))
    for value in graph.outputs:
        if value.producer is not None and id(value.producer) not in members:
            found.append(f"output {value.name!r} is made by a node that is not in the graph")
    return found


def _node_problems(node: Node) -> list[str]:
    """Use lists, producers, outputs and origin of one node."""
    found = [f"{node} is no user of its input {v.name!r}" for v in node.inputs if not _has_user(v, node)]
    found += [f"{node} does not make its output {v.name!r}" for v in node.outputs if v.producer is not node]
    found += [f"output {v.name!r} of {node} is a constant" for v in node.outputs if v.is_const]
    if node.origin.node is None and node.origin.made_by is None:
        found.append(f"{node} does not say where it comes from")
    return found


def _has_user(value: Value, node: Node) -> bool:
    return any(user is node for user in value.users)
