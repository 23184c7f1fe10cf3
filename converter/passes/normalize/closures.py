"""What a graph reads from the graphs around it becomes its inputs, because on the device a graph knows nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Graph, Value
from converter.ir.editing import wire

if TYPE_CHECKING:
    from converter.ir import Node


def close_graphs(main: Graph) -> list[Graph]:
    """All graphs that `main` runs, itself first, in the order of their first call; each has all it reads as inputs.

    Constants are no inputs: every graph may read them.
    """
    graphs = _called(main)
    free = _free_values(graphs)
    for graph in graphs[1:]:
        outer = free[id(graph)]
        own = {key: Value(value.name, value.type) for key, value in outer.items()}
        for node in graph.nodes:
            wire(node, [own.get(id(value), value) for value in node.inputs])
        graph.inputs += own.values()
        graph.outputs[:] = [own.get(id(value), value) for value in graph.outputs]
        _pass_on(graph, own, free)
    _pass_on(main, {}, free)
    for number, graph in enumerate(graphs):
        members = set(map(id, graph.nodes))
        for node in graph.nodes:
            node.after = tuple(earlier for earlier in node.after if id(earlier) in members)
        graph.name = graph.name if graph is main else f"subgraph{number}"
    return graphs


def _pass_on(graph: Graph, own: dict[int, Value], free: dict[int, dict[int, Value]]) -> None:
    """Let the calls in a graph pass what the called graphs read from outside."""
    for node in graph.nodes:
        if node.graphs:
            more = [own.get(key, value) for key, value in free[id(node.graphs[0])].items()]
            wire(node, [*node.inputs, *more])


def _called(main: Graph) -> list[Graph]:
    """Graphs by their first call, depth first."""
    found: dict[int, Graph] = {}
    pending = [main]
    while pending:
        graph = pending.pop()
        if id(graph) not in found:
            found[id(graph)] = graph
            pending += reversed([each for node in graph.nodes for each in node.graphs])
    return list(found.values())


def _free_values(graphs: list[Graph]) -> dict[int, dict[int, Value]]:
    """For each graph what it, or a graph that it calls, reads from outside.

    The device starts a graph when its inputs arrive, so one that reads nothing is given the condition that picks it.
    """
    free: dict[int, dict[int, Value]] = {id(graph): {} for graph in graphs}
    _spread(graphs, free)
    conditions = _conditions(graphs)
    for graph in graphs[1:]:
        if not graph.inputs and not free[id(graph)]:
            condition = conditions[id(graph)]
            free[id(graph)][id(condition)] = condition
    _spread(graphs, free)
    return free


def _spread(graphs: list[Graph], free: dict[int, dict[int, Value]]) -> None:
    """Note what is read from outside, until nothing new is found."""
    has_changed = True
    while has_changed:
        has_changed = False
        for graph in reversed(graphs[1:]):
            found = free[id(graph)]
            count = len(found)
            inside = {id(value) for value in graph.inputs}
            inside.update(id(value) for node in graph.nodes for value in node.outputs)
            for value in [value for node in graph.nodes for value in _read(node, free)] + graph.outputs:
                if not value.is_const and id(value) not in inside:
                    found.setdefault(id(value), value)
            has_changed |= len(found) > count


def _conditions(graphs: list[Graph]) -> dict[int, Value]:
    """For each graph that a Switch may pick, the condition."""
    switches = [node for graph in graphs for node in graph.nodes if node.op == "Switch"]
    binders = [(value.producer, node.inputs[0]) for node in switches for value in node.inputs[1:]]
    return {id(graph): condition for binder, condition in binders if binder is not None for graph in binder.graphs}


def _read(node: Node, free: dict[int, dict[int, Value]]) -> list[Value]:
    """What a node reads, with what a graph that it binds reads from outside."""
    return [*node.inputs, *(value for graph in node.graphs for value in free[id(graph)].values())]
