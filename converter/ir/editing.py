"""The only place that changes wiring: every function keeps producers, users and node lists consistent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from converter.ir.graph import Graph, Node, Value


def wire(node: Node, inputs: Sequence[Value], outputs: Sequence[Value] | None = None) -> Node:
    """Set a node's inputs (and outputs) and register the uses; returns the node."""
    for value in node.inputs:
        _forget(value, node)
    node.inputs = tuple(inputs)
    for value in node.inputs:
        value.users.append(node)
    if outputs is not None:
        for value in node.outputs:
            value.producer = None
        node.outputs = tuple(outputs)
        for value in node.outputs:
            value.producer = node
    return node


def set_input(node: Node, index: int, value: Value) -> None:
    """Make `value` the input number `index` of the node."""
    inputs = list(node.inputs)
    inputs[index] = value
    wire(node, inputs)


def insert_before(graph: Graph, place: Node, *nodes: Node) -> None:
    """Put wired nodes in front of `place`."""
    index = next(i for i, node in enumerate(graph.nodes) if node is place)
    graph.nodes[index:index] = nodes


def insert_after(graph: Graph, place: Node, *nodes: Node) -> None:
    """Put wired nodes behind `place`."""
    index = next(i for i, node in enumerate(graph.nodes) if node is place)
    graph.nodes[index + 1 : index + 1] = nodes


def replace_uses(graph: Graph, old: Value, new: Value, only: Iterable[Node] | None = None) -> int:
    """Let readers of `old` (or of them only those in `only`) read `new`; graph outputs move when `only` is None.

    Returns the number of edges changed.
    """
    wanted = None if only is None else set(map(id, only))
    changed = 0
    for node in list(dict.fromkeys(old.users)):
        if wanted is not None and id(node) not in wanted:
            continue
        changed += sum(value is old for value in node.inputs)
        wire(node, [new if value is old else value for value in node.inputs])
    if wanted is None:
        changed += sum(value is old for value in graph.outputs)
        graph.outputs[:] = [new if value is old else value for value in graph.outputs]
    return changed


def remove(graph: Graph, nodes: Iterable[Node]) -> None:
    """Take nodes out of the graph; ordering edges through them are passed on to those who waited for them."""
    gone = {id(node): node for node in nodes}
    if not gone:
        return
    for node in gone.values():
        wire(node, (), ())
    graph.nodes[:] = [node for node in graph.nodes if id(node) not in gone]
    for node in graph.nodes:
        if any(id(earlier) in gone for earlier in node.after):
            node.after = _bypass(node.after, gone)


def _bypass(after: tuple[Node, ...], gone: dict[int, Node]) -> tuple[Node, ...]:
    """Replace removed nodes in an `after` list by what they themselves had to wait for."""
    result: dict[int, Node] = {}
    pending = list(reversed(after))
    visited: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) not in gone:
            result.setdefault(id(node), node)
        elif id(node) not in visited:
            visited.add(id(node))
            pending.extend(reversed(node.after))
    return tuple(result.values())


def _forget(value: Value, node: Node) -> None:
    """Drop one use of the value by the node."""
    for index, user in enumerate(value.users):
        if user is node:
            del value.users[index]
            return
