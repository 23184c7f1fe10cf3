"""What is true of every model between passes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir.graph import Graph, Model, Node, Value


def problems_of(model: Model) -> list[str]:
    """Everything that is inconsistent, in words; empty for a valid model."""
    # A branch may read what the graph around it has.
    known = {id(node) for graph in model.graphs for node in graph.nodes}
    known.update(id(value) for graph in model.graphs for value in graph.inputs)
    return [f"{graph.name}: {problem}" for graph in model.graphs for problem in _graph_problems(graph, known)]


def _graph_problems(graph: Graph, known: set[int]) -> list[str]:
    """Wiring, order and provenance of one graph; `known` are the nodes and inputs of all graphs."""
    found: list[str] = []
    members = {id(node) for node in graph.nodes}
    if len(members) != len(graph.nodes):
        found.append("a node stands in the list twice")
    read = {id(value): value for node in graph.nodes for value in node.inputs}
    # Of each value and reader; to look a reader up among the users of a shared constant would cost their product.
    uses = Counter((id(value), id(user)) for value in read.values() for user in value.users)
    seen: set[int] = set()
    for node in graph.nodes:
        found += _node_problems(node, uses)
        found += [f"{node} reads {v.name!r}: {problem}" for v in node.inputs if (problem := _source_problem(v, known))]
        for value in node.inputs:
            if value.producer is not None and id(value.producer) in members and id(value.producer) not in seen:
                found.append(f"{node} stands before {value.producer}, which makes its input {value.name!r}")
        missing = [earlier for earlier in node.after if id(earlier) not in members]
        found += [f"{node} waits for {earlier}, which is not in the graph" for earlier in missing]
        seen.add(id(node))
    found += [f"output {v.name!r}: {problem}" for v in graph.outputs if (problem := _source_problem(v, known))]
    return found


def _source_problem(value: Value, known: set[int]) -> str | None:
    """What is wrong with where a value comes from."""
    if value.is_const or id(value) in known:
        return None
    if value.producer is None:
        return "nothing makes it"
    return None if id(value.producer) in known else "it is made by a node that is not in the graph"


def _node_problems(node: Node, uses: Counter[tuple[int, int]]) -> list[str]:
    """Use lists, producers, outputs and origin of one node."""
    found = [f"{node} is no user of its input {v.name!r}" for v in node.inputs if not uses[id(v), id(node)]]
    found += [f"{node} does not make its output {v.name!r}" for v in node.outputs if v.producer is not node]
    found += [f"output {v.name!r} of {node} is a constant" for v in node.outputs if v.is_const]
    if node.origin.node is None and node.origin.made_by is None:
        found.append(f"{node} does not say where it comes from")
    return found
