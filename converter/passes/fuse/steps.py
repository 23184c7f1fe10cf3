"""What fusions ask about a node: is it `x * factor + offset` per channel, which axis is that, what does it activate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from converter.ir import Layout, Value
from converter.ops.context import constant
from converter.ops.scaled import affine, exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Node

    Array = np.ndarray[Any, np.dtype[Any]]

NONE, RELU, SIGMOID, RELU6, SOFTPLUS, TANH = 0, 1, 2, 3, 9, 10
HARD_SWISH, HARD_SIGMOID, SWISH, GELU = 12, 13, 18, 19
_IMAGE_RANK = 4
SHIFTS = "BiasAdd|AddFusion|SubFusion"
SCALES = "ScaleFusion|MulFusion|RealDiv|DivFusion"


class Step(NamedTuple):
    """`x * factors + offset`, in double precision; each one number or one per channel."""

    factors: Array | np.float64
    offset: Array | np.float64


BIAS = 2
_FUSED = "_fused"
_ONE, _ZERO = np.float64(1), np.float64(0)
_X_FIRST: dict[str, Callable[..., Step]] = {
    "AddFusion": lambda c: Step(_ONE, c),
    "BiasAdd": lambda c: Step(_ONE, c),
    "DivFusion": lambda c: Step(1 / c, _ZERO),
    "MulFusion": lambda c: Step(c, _ZERO),
    "RealDiv": lambda c: Step(1 / c, _ZERO),
    "ScaleFusion": lambda c, d=_ZERO: Step(c, d),
    "SubFusion": lambda c: Step(_ONE, -c),
}
_X_SECOND: dict[str, Callable[..., Step]] = {
    "AddFusion": lambda c: Step(_ONE, c),
    "MulFusion": lambda c: Step(c, _ZERO),
    "SubFusion": lambda c: Step(-_ONE, c),
}


def activation_of(node: Node) -> int:
    """The activation that a node applies to its result."""
    return int(str(node.attrs.get("activation_type") or 0))


def channel_axis(value: Value) -> int:
    """The axis of the channels: the second of an image in MindIR's order, else the last."""
    rank = value.type.rank or 0
    return 1 if rank == _IMAGE_RANK and value.layout is Layout.NCHW else rank - 1


def step_of(node: Node, x: Value, axis: int) -> Step | None:
    """What an element-wise node does to `x` along an axis; None when it is more than factors and offset."""
    if node.outputs[0].type != x.type or x.type.shape is None or sum(each is x for each in node.inputs) != 1:
        return None
    numbers = [_along(each, x, axis, node) for each in node.inputs if each is not x]
    known = [each for each in numbers if each is not None]
    if len(known) != len(numbers) or not known:
        return None
    table = _X_FIRST if node.inputs[0] is x else _X_SECOND
    return table[node.op](*known) if node.op in table and _is_invertible(node, known[0]) else None


def _is_invertible(node: Node, numbers: Array) -> bool:
    """Whether a division is a multiplication by finite numbers."""
    return node.op not in ("RealDiv", "DivFusion") or bool(np.all(numbers != 0))


def _along(operand: Value, x: Value, axis: int, node: Node) -> Array | None:
    """A constant operand as one number, or one number per place along the axis."""
    shape = x.type.shape or ()
    if operand.const is None or operand.const.dtype is not x.type.dtype or operand.const.dtype.numpy.kind != "f":
        return None
    numbers = exact(operand.const)
    if node.op in ("BiasAdd", "ScaleFusion"):
        last = int(str(node.attrs.get("axis"))) % len(shape) if node.op == "ScaleFusion" else len(shape) - 1
        fits = axis == channel_axis(x) and last == len(shape) - 1 and numbers.size == shape[axis]
        return numbers.reshape(-1) if fits else None
    if numbers.size == 1:
        return numbers.reshape(())
    full = (1,) * (len(shape) - numbers.ndim) + numbers.shape
    is_along = len(full) == len(shape) and full[axis] == shape[axis] == numbers.size
    return numbers.reshape(-1) if is_along else None


def shifted(node: Node, root: Node, step: Step, channels: int) -> Value | None:
    """The bias of a node, `bias * factors + offset`, once it took over the step of `root`; None where all are zero.

    A constant that is already what a bias has to be is taken as it is.
    """
    if len(node.inputs) > BIAS:
        bias = node.inputs[BIAS]
        return scaled(bias, np.broadcast_to(step.factors, bias.type.shape or ()), step.offset)
    offset = np.broadcast_to(step.offset, (channels,))
    if not np.any(offset):
        return None
    for value in root.inputs:
        if value.const is not None and value.type.shape == (channels,) and np.array_equal(exact(value.const), offset):
            return value
    return scaled(constant(f"{node.name}/bias", np.zeros(channels, np.float32)), 1.0, offset)


def scaled(value: Value, factors: Array | float, offset: Array | float = 0.0) -> Value:
    """A constant times factors plus an offset, under a name of its own: its numbers are not those of the user."""
    if value.const is None:
        message = f"{value.name!r} is no constant"
        raise ValueError(message)
    name = value.name if value.name.endswith(_FUSED) else f"{value.name}{_FUSED}"
    return Value(name, value.type, const=affine(value.const, factors, offset))
