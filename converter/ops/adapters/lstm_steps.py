"""What the forward and the backward composition of an LSTM share: sizes, weights, the values of each step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.ir import TensorType
from converter.ops.adapters.shapes import read_instead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node, Value
    from converter.ops.compose import Composer
    from converter.ops.context import Context

_MOVING = frozenset(
    {"ExpandDims", "LSTM", "LSTMGrad", "Reshape", "SliceFusion", "Squeeze", "StridedSlice", "Transpose"}
)


@dataclass(frozen=True)
class Size:
    """T steps of B rows with I inputs and H hidden units."""

    steps: int
    batch: int
    inputs: int
    hidden: int

    @property
    def gates(self) -> int:
        """Rows of all four gates."""
        return 4 * self.hidden

    @property
    def weights(self) -> int:
        """Elements of both matrices."""
        return self.gates * (self.inputs + self.hidden)


@dataclass
class Step:
    """One step: the state before it (None for zeros), the four gates together and apart, c, tanh(c) and h after it."""

    h_before: Value | None
    c_before: Value | None
    gates: Value
    i: Value
    f: Value
    g: Value
    o: Value
    c: Value
    bounded: Value
    h: Value


@dataclass
class Weights:
    """W [4H, I], V [4H, H], b [4H] or None; who reads them, and the Reshapes through which the model reads them."""

    w: Value
    v: Value
    b: Value | None
    bypassed: list[Node] = field(default_factory=list)
    readers: list[Node] = field(default_factory=list)

    def keep_order(self, context: Context) -> None:
        """Let updates of a parameter that wait for its Reshape wait for those who now read the parameter itself."""
        for bypassed in self.bypassed:
            source = bypassed.inputs[0]
            readers = [each for each in self.readers if any(value is source for value in each.inputs)]
            read_instead(context, bypassed, readers)


def original(part: Value, shape: tuple[int, ...]) -> Node | None:
    """The Reshape that made a part of the flat weight from a parameter of that shape."""
    maker = part.producer
    is_reshape = maker is not None and maker.op == "Reshape" and maker.inputs[0].type.shape == shape
    return maker if is_reshape else None


def is_zero(value: Value) -> bool:
    """Whether a state is zeros for good: a constant that is only read, or a part of one."""
    while value.producer is not None:
        if value.producer.op not in _MOVING or not value.producer.inputs:
            return False
        value = value.producer.inputs[0]
    if value.const is None or any(user.op not in _MOVING for user in value.users):
        return False
    return not value.const.array().any()


def joined(build: Composer, parts: Sequence[Value], axis: int) -> Value:
    """Values joined along an axis."""
    if len(parts) == 1:
        return parts[0]
    shape = list(parts[0].type.shape or ())
    shape[axis] *= len(parts)
    return build.op("Concat", list(parts), TensorType(parts[0].type.dtype, tuple(shape)), axis=axis)
