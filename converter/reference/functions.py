"""Graphs that a graph calls: PartialFusion binds arguments to one, Switch picks one of two, Call runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from converter.reference.call import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Graph, Node
    from converter.reference.call import Array

CONTROL_FLOW = frozenset({"PartialFusion", "Switch", "Call"})
Stored: TypeAlias = "Array | Function"


@dataclass(frozen=True, eq=False)
class Function:
    """A graph with its first arguments."""

    graph: Graph
    arguments: tuple[Stored, ...]


def bind(node: Node, inputs: Sequence[Stored]) -> Function:
    """What a PartialFusion or Switch makes."""
    if node.op == "PartialFusion":
        graph = node.graphs[0]
        if len(inputs) != len(graph.inputs):
            raise refusal(node, f"binds {len(inputs)} arguments, the graph takes {len(graph.inputs)}")
        return Function(graph, tuple(inputs))
    condition: Any = inputs[0]
    if isinstance(condition, Function) or condition.size != 1 or condition.dtype != np.bool_:
        raise refusal(node, "decides by something that is no single bool")
    return function_of(node, inputs[1 if condition.reshape(-1)[0] else 2])


def function_of(node: Node, value: Stored) -> Function:
    """A value that must be a function."""
    if isinstance(value, Function):
        return value
    raise refusal(node, "takes a tensor for a function")


def tail_call(graph: Graph) -> Node | None:
    """The call that a graph ends with, if its results are those of the graph: it needs no memory of its caller."""
    last = graph.nodes[-1] if graph.nodes else None
    return last if last is not None and last.op == "Call" and last.attrs.get("is_tail_call") else None
