"""Order of the nodes: topological, readers before writers, and proved against the device's own order.

The device sorts the nodes again, by data edges alone (converter/reference/schedule.py). So an order of the file that is
right is not enough: the pass simulates the device and, where a node would read a variable after it has been
overwritten, lets it read a copy that is made before everything else.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from converter.errors import Problems
from converter.ir import Note, Value
from converter.ir.editing import set_input
from converter.ops.context import constant, problem_at
from converter.ops.lite_fields import lite_node
from converter.ops.lite_ops import LITE_OPS
from converter.reference.schedule import execution_order

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node

_MADE_BY = "schedule"


def schedule(model: Model) -> bool:
    """Order nodes so that no variable is read too early or too late, in the file and on the device."""
    changed = False
    for graph in model.graphs:
        before = list(graph.nodes)
        problems = Problems()
        _sort(graph, problems)
        problems.raise_if_any()
        changed |= _read_new_values(graph)
        changed |= _take_snapshots(model, graph)
        _sort(graph, problems)
        for reader, writer in hazards(graph):
            message = f"runs before {writer.name} on the device, although it must come after it"
            problems.add(problem_at(reader, "E205", message))
        problems.raise_if_any()
        changed |= before != graph.nodes
    return changed


def hazards(graph: Graph) -> list[tuple[Node, Node]]:
    """Pairs (node, earlier) where the device runs `node` before `earlier`, against an `after` edge."""
    position = {id(node): index for index, node in enumerate(execution_order(graph))}
    late = len(position)
    return [
        (node, earlier)
        for node in graph.nodes
        for earlier in node.after
        if position.get(id(node), late) <= position.get(id(earlier), late)
    ]


def _read_new_values(graph: Graph) -> bool:
    """Readers that must see what an Assign stores read the stored value: on the device they would run too early."""
    changed = False
    for reader, writer in hazards(graph):
        if writer.op != "Assign":
            continue
        variable, stored = writer.inputs
        for place, value in enumerate(reader.inputs):
            if value is variable and not _updates(reader, place):
                set_input(reader, place, stored)
                changed = True
        reader.after = tuple(node for node in reader.after if node is not writer)
    return changed


def _take_snapshots(model: Model, graph: Graph) -> bool:
    """Readers that the device would run after their writer read a copy made at the start of the step.

    A reader that must also come after another writer of the variable is left alone: the copy would be too old.
    """
    copies: dict[int, Value] = {}
    for writer, reader in hazards(graph):
        for variable in _written(writer):
            places = [i for i, v in enumerate(reader.inputs) if v is variable and not _updates(reader, i)]
            if not places or any(variable in _written(earlier) for earlier in reader.after):
                continue
            if id(variable) not in copies:
                copies[id(variable)] = _snapshot(model, graph, variable, reader)
            for place in places:
                set_input(reader, place, copies[id(variable)])
            _release(graph, variable, reader)
    return bool(copies)


def _written(node: Node) -> list[Value]:
    """Variables that the node updates."""
    return [node.inputs[place] for place in LITE_OPS[node.op].writes] if node.op in LITE_OPS else []


def _release(graph: Graph, variable: Value, reader: Node) -> None:
    """Writers of the variable need not wait for a node that no longer reads it, unless it reads another of theirs."""
    for writer in graph.nodes:
        targets = _written(writer)
        if variable in targets and not any(value in targets for value in reader.inputs):
            writer.after = tuple(node for node in writer.after if node is not reader)


def _updates(node: Node, place: int) -> bool:
    """Whether the node itself writes that input."""
    return node.op in LITE_OPS and place in LITE_OPS[node.op].writes


def _snapshot(model: Model, graph: Graph, variable: Value, reader: Node) -> Value:
    """`Mul(variable, 1)`: a node without producers runs before all others on the device, and nothing folds it."""
    name = f"{variable.name}_snapshot"
    one = constant(f"{name}_one", np.array(1.0, np.float32))
    copy = Value(name, variable.type, layout=variable.layout)
    node = lite_node("MulFusion", name, reader.origin.derived(_MADE_BY), [variable, one], [copy])
    graph.nodes.insert(0, node)
    model.notes.append(
        Note("order", f"{variable.name!r} is copied before it is updated, because it is read later", reader.name)
    )
    return node.outputs[0]


def _sort(graph: Graph, problems: Problems) -> None:
    """Stable topological sort over data and `after` edges: the least change of the order at hand."""
    position = {id(node): index for index, node in enumerate(graph.nodes)}
    waiting: dict[int, int] = {}
    releases: dict[int, list[Node]] = {}
    for node in graph.nodes:
        before = {id(v.producer): v.producer for v in node.inputs if v.producer is not None}
        before.update((id(earlier), earlier) for earlier in node.after)
        known = [each for key, each in before.items() if key in position]
        waiting[id(node)] = len(known)
        for each in known:
            releases.setdefault(id(each), []).append(node)
    ready = [position[id(node)] for node in graph.nodes if not waiting[id(node)]]
    heapq.heapify(ready)
    order: list[Node] = []
    nodes = list(graph.nodes)
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for reader in releases.get(id(node), ()):
            waiting[id(reader)] -= 1
            if not waiting[id(reader)]:
                heapq.heappush(ready, position[id(reader)])
    for node in nodes:
        if waiting[id(node)]:
            problems.add(problem_at(node, "E205", "needs a value that is made only after it has run"))
    if len(order) == len(nodes):
        graph.nodes[:] = order
