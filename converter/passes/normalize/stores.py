"""Assignments that wait while control flow is resolved.

A parameter that is assigned in a branch on data, or several times on the way, is assigned once at the end; until then
its readers take the new value from where it was computed. So the device need not keep an order that it cannot know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Node, Value

ASSIGNMENTS = frozenset({"Assign", "AssignAdd", "AssignSub"})


@dataclass(frozen=True)
class Store:
    """A parameter's new value, the assignment that it comes from, and the effects that precede it."""

    node: Node
    variable: Value
    new: Value
    after: tuple[Node, ...]


class Stores:
    """Waiting assignments: those of the main line first, then those of each branch on data that is being run."""

    def __init__(
        self,
        make_load: Callable[[Node, Value, tuple[Node, ...]], Value],
        make_assign: Callable[[Node, Value, Value, tuple[Node, ...]], Node],
    ) -> None:
        """Nothing waits yet."""
        self._make_load = make_load
        self._make_assign = make_assign
        self._levels: list[dict[int, Store]] = [{}]

    def enter(self, stored: dict[int, Store] | None = None) -> None:
        """Begin a branch, or go on with one."""
        self._levels.append({} if stored is None else stored)

    def leave(self) -> dict[int, Store]:
        """End a branch; what it assigned is up to the caller."""
        return self._levels.pop()

    def store(self, node: Node, variable: Value, new: Value, after: tuple[Node, ...]) -> None:
        """Assign."""
        self._levels[-1][id(variable)] = Store(node, variable, new, after)

    def read(self, variable: Value) -> Value | None:
        """The value that waits to be assigned; None when none does."""
        found = (level[id(variable)].new for level in reversed(self._levels) if id(variable) in level)
        return next(found, None)

    def current(self, node: Node, variable: Value, after: tuple[Node, ...]) -> Value:
        """The value at this point: the one that waits, else the parameter's."""
        return self.read(variable) or self._make_load(node, variable, after)

    def settled(self, node: Node, value: Value, after: tuple[Node, ...]) -> Value:
        """A value to assign that is no parameter, which may change before the assignment is carried out."""
        return value if value.const is None else self.current(node, value, after)

    def flush(self, values: Sequence[Value]) -> tuple[Node, ...]:
        """Carry out what waits for parameters that a node is going to read or write itself; the assignments made."""
        main = self._levels[0]
        waiting = [main.pop(id(value)) for value in values if id(value) in main]
        return tuple(self._make_assign(each.node, each.variable, each.new, each.after) for each in waiting)

    def flush_all(self) -> None:
        """Carry out everything."""
        self.flush([store.variable for store in self._levels[0].values()])
