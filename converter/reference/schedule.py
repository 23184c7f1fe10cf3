"""The order in which the device's training session runs the nodes of a file. Needs no kernels.

The session ignores the file's order: it sorts by data edges alone, first in, first out (facts §2.7). A node that
writes a constant in place (optimizer, Assign, BatchNorm statistics) is not ordered against the constant's readers.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir import Graph, Node


def execution_order(graph: Graph) -> list[Node]:
    """Nodes of the graph as the device runs them.

    The queue starts with the nodes that wait for no other node, in file order; a finished node releases the readers
    of its first output, then those of the second and so on, each in file order. Nodes in a cycle are never released
    and are left out, silently, as on the device.
    """
    position = {id(node): index for index, node in enumerate(graph.nodes)}
    waiting = {id(node): len(producers(node, position)) for node in graph.nodes}
    queue = deque(node for node in graph.nodes if not waiting[id(node)])
    order: list[Node] = []
    while queue:
        node = queue.popleft()
        order.append(node)
        for consumer in consumers(node, position):
            waiting[id(consumer)] -= 1
            if not waiting[id(consumer)]:
                queue.append(consumer)
    return order


def unscheduled(graph: Graph) -> list[Node]:
    """Nodes that the device never runs because they wait for each other, in file order."""
    scheduled = set(map(id, execution_order(graph)))
    return [node for node in graph.nodes if id(node) not in scheduled]


def producers(node: Node, position: dict[int, int]) -> list[Node]:
    """The distinct nodes of the graph (those in `position`) that make the node's inputs, in input order."""
    found: dict[int, Node] = {}
    for value in node.inputs:
        if value.producer is not None and id(value.producer) in position:
            found.setdefault(id(value.producer), value.producer)
    return list(found.values())


def consumers(node: Node, position: dict[int, int]) -> list[Node]:
    """The distinct nodes of the graph that read the node's outputs: by output, then in file order."""
    found: dict[int, Node] = {}
    for value in node.outputs:
        readers = [user for user in value.users if id(user) in position]
        if len(readers) > 1:
            readers.sort(key=lambda user: position[id(user)])
        for user in readers:
            found.setdefault(id(user), user)
    return list(found.values())
