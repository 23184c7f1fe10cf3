"""What a kernel sees of one node: its inputs, its attributes, the mode, and how to say no."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from converter.errors import ConversionError, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Node

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Outputs: TypeAlias = "tuple[Array | None, ...]"
Kernel: TypeAlias = "Callable[[Call], Outputs]"

FLOAT = np.dtype(np.float32)
INT = np.dtype(np.int32)


@dataclass
class Call:
    """One execution of a node.

    `inputs` are the current values; `initial` those constants that the device copied when it compiled the model, by
    input position. A kernel puts into `updates` what the device writes into its inputs in place. `state` lives as
    long as the session and belongs to the node. An output of None stands for memory that the device does not write.
    """

    node: Node
    inputs: tuple[Array, ...]
    initial: dict[int, Array] = field(default_factory=dict)
    is_training: bool = True
    is_trainable: bool = False
    state: dict[str, Any] = field(default_factory=dict)
    updates: dict[int, Array] = field(default_factory=dict)

    def __getitem__(self, index: int) -> Array:
        """Input number `index`; the node is refused when it has fewer."""
        if index >= len(self.inputs):
            raise self.refuse(f"has {len(self.inputs)} inputs, needs at least {index + 1}")
        return self.inputs[index]

    def frozen(self, index: int) -> Array:
        """Input number `index` as it was at compile time when it is a constant (the device keeps a copy)."""
        return self.initial.get(index, self[index])

    def shape(self) -> tuple[int, ...]:
        """Shape of the first input."""
        return tuple(self[0].shape)

    def integer(self, name: str) -> int:
        """An integer or enum attribute."""
        return int(self.node.attrs[name])  # type: ignore[arg-type] # the schema says that it is a number

    def flag(self, name: str) -> bool:
        """A boolean attribute."""
        return bool(self.node.attrs[name])

    def number(self, name: str) -> np.float32:
        """A float attribute, at the device's precision."""
        return np.float32(self.node.attrs[name])  # type: ignore[arg-type] # the schema says that it is a number

    def ints(self, name: str, count: int = 0) -> tuple[int, ...]:
        """A vector attribute with at least `count` numbers; an absent one is refused (it stops or kills the device)."""
        values = self.node.attrs.get(name)
        if not isinstance(values, tuple) or len(values) < count:
            raise self.refuse(f"needs the attribute {name} with at least {count} numbers")
        return tuple(int(value) for value in values)  # type: ignore[arg-type] # integers by the schema

    def has(self, name: str) -> bool:
        """Whether a vector attribute is present and not empty."""
        return bool(self.node.attrs.get(name))

    def numbers(self, index: int) -> list[int]:
        """An integer input (axes, shape, permutation) as a list."""
        return [int(value) for value in np.asarray(self[index]).reshape(-1)]

    def demand(self, is_right: bool, message: str, hint: str | None = None) -> None:
        """Refuse the node unless the condition holds."""
        if not is_right:
            raise self.refuse(message, hint)

    def refuse(self, message: str, hint: str | None = None) -> ConversionError:
        """The error for something at this node that the device refuses, crashes on, or computes garbage from."""
        return refusal(self.node, message, hint)


def refusal(node: Node, message: str, hint: str | None = None) -> ConversionError:
    """The error E602, located at a node."""
    origin = node.origin
    return fail("E602", message, path=origin.path, node=node.name, op=node.op, scope=origin.scope, hint=hint)


def one(result: Array) -> Outputs:
    """The outputs of a kernel with a single output."""
    return (np.asarray(result),)


def float32(values: Array | float) -> Array:
    """The values as float32, without a copy when they are."""
    return np.asarray(values, dtype=FLOAT)


def axis_of(call: Call, axis: int, rank: int) -> int:
    """A possibly negative axis as a position; refused when the tensor has no such axis."""
    if not -rank <= axis < rank:
        raise call.refuse(f"has the axis {axis}, its input has rank {rank}")
    return axis % rank
