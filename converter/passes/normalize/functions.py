"""What control flow is made of while it is resolved: functions, calls, and the graphs that are being run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union

from converter.ir import Value
from converter.passes.normalize.known_values import truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Graph, Node


@dataclass(frozen=True, eq=False)
class Closure:
    """A graph with its first arguments; `after` are the effects that precede it."""

    graph: Graph
    bound: tuple[Operand, ...]
    after: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """One of two functions, by a condition that depends on data."""

    condition: Value
    then: Function
    otherwise: Function


Function = Union[Closure, Choice]  # noqa: UP007 - evaluated at run time, with forward references
Operand = Union[Value, Closure, Choice]  # noqa: UP007 - as above


@dataclass
class Frame:
    """One graph being run, inside `depth` branches on data: what its values stand for, what its effects became.

    `loop` is the loop on data that is being made of it, if any.
    """

    depth: int
    graphs: list[Graph]
    loop: Graph | None = None
    values: dict[int, Operand] = field(default_factory=dict)
    effects: dict[int, tuple[Node, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Results of a graph, and the effects after which it is done."""

    outputs: tuple[Operand, ...]
    after: tuple[Node, ...]


@dataclass(frozen=True)
class Call:
    """The circumstances of a call."""

    arguments: tuple[Operand, ...]
    after: tuple[Node, ...]
    depth: int


@dataclass(frozen=True)
class Tail:
    """A call that is the last thing that a graph does, not yet run."""

    function: Closure
    arguments: tuple[Operand, ...]
    after: tuple[Node, ...]


def tail_arguments(tail: Tail) -> tuple[Operand, ...]:
    """All arguments of a call, bound ones first."""
    return (*tail.function.bound, *tail.arguments)


def common_tails(first: Result | Tail, second: Result | Tail) -> tuple[Tail, Tail] | None:
    """Both ends, if both branches go on with the same graph."""
    if not (isinstance(first, Tail) and isinstance(second, Tail)):
        return None
    return (first, second) if first.function.graph is second.function.graph else None


def last_call(graph: Graph) -> Node | None:
    """The call whose results are those of the graph, if it is the last node."""
    last = graph.nodes[-1] if graph.nodes else None
    if last is None or last.op != "call" or len(last.outputs) != len(graph.outputs):
        return None
    same = all(a is b for a, b in zip(last.outputs, graph.outputs, strict=True))
    return last if same else None


def picked(node: Node, inputs: Sequence[Value]) -> Value | None:
    """What a Select takes whose condition is known."""
    is_true = truth(inputs[0]) if node.op == "Select" else None
    if is_true is None:
        return None
    value = inputs[1 if is_true else 2]
    return value if value.type == node.outputs[0].type else None


def merge(*groups: Sequence[Node]) -> tuple[Node, ...]:
    """Nodes of all groups, each once, in order."""
    return tuple({id(node): node for group in groups for node in group}.values())


def frontier(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Without those that others among them already wait for."""
    covered = {id(earlier) for node in nodes for earlier in node.after}
    return tuple(node for node in nodes if id(node) not in covered)
