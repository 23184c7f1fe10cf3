"""Nodes made while control flow is resolved, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Node, Value
from converter.ir.editing import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import TensorType

MADE_BY = "resolve-control-flow"
# The attribute by which MindSpore marks operators with side effects.
EFFECTS = "side_effect_mem"


class Maker:
    """Makes nodes; `made` are those of the graph at hand, `all_made` those of all graphs."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        self.made: list[Node] = []
        self.all_made: list[Node] = []

    def place(self, node: Node) -> None:
        """Put a wired node behind those made before it."""
        self.made.append(node)
        self.all_made.append(node)

    def forget(self) -> None:
        """Undo the wiring of everything made."""
        for node in self.all_made:
            wire(node, (), ())

    def make(self, like: Node, inputs: Sequence[Value], after: tuple[Node, ...]) -> Node:
        """A copy of a node with other inputs."""
        copy = Node(like.op, like.name, like.origin, attrs=dict(like.attrs), after=after)
        wire(copy, inputs, [Value(value.name, value.type, layout=value.layout) for value in like.outputs])
        self.place(copy)
        return copy

    def add(
        self, op: str, like: Node, inputs: Sequence[Value], kind: TensorType, after: tuple[Node, ...] = ()
    ) -> Value:
        """A node that the source does not have."""
        name = f"{like.name}/{op}"
        node = Node(op, name, like.origin.derived(MADE_BY), after=after)
        wire(node, inputs, [Value(name, kind)])
        self.place(node)
        return node.outputs[0]

    def make_load(self, like: Node, variable: Value, after: tuple[Node, ...]) -> Value:
        """The value of a parameter at this point."""
        return self.add("Load", like, [variable], variable.type, after)

    def make_assign(self, like: Node, variable: Value, new: Value, after: tuple[Node, ...]) -> Node:
        """The assignment that waited."""
        node = Node("Assign", like.name, like.origin, attrs={EFFECTS: True}, after=after)
        wire(node, [variable, new], [Value(like.name, variable.type)])
        self.place(node)
        return node
