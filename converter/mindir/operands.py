"""What a name inside a MindIR graph can stand for while the graph is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union

from converter.ir import Graph, Node, Value

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class TupleOperand:
    """Several operands under one name; never becomes a value of the IR."""

    items: tuple[Operand, ...]

    # Of operands when tuples inside are opened up; counted once, or tuples of tuples would be walked again and again.
    size: int = field(init=False)

    def __post_init__(self) -> None:
        """Add up."""
        size = sum(item.size if isinstance(item, TupleOperand) else 1 for item in self.items)
        object.__setattr__(self, "size", size)


@dataclass(frozen=True)
class Monad:
    """A side-effect token: the nodes whose effects directly precede it."""

    effects: tuple[Node, ...] = ()


Operand = Union[Value, TupleOperand, Monad, Graph]  # noqa: UP007 - evaluated at run time, with forward references


def flatten(operands: Iterable[Operand]) -> list[Operand]:
    """Operands with tuples opened up, in order."""
    flat: list[Operand] = []
    for operand in operands:
        flat.extend(flatten(operand.items) if isinstance(operand, TupleOperand) else [operand])
    return flat


def merge(*groups: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes of all groups, each once, in order."""
    return tuple({id(node): node for group in groups for node in group}.values())
