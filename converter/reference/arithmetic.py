"""Operators with two inputs that broadcast, and their gradients.

The device broadcasts a constant operand once, when it compiles the model, into a private copy: an operand that is
smaller than the result and has more than one element is read as it was then, however the optimizer changed it since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.reference import sums
from converter.reference.activations import fused
from converter.reference.call import Array, Call, Kernel, Outputs, one

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[[Array, Array], Array]


def operands(call: Call) -> tuple[Array, Array]:
    """The two inputs, with the compile-time copy in place of a broadcast constant."""
    a, b = call[0], call[1]
    size = int(np.prod(np.broadcast_shapes(a.shape, b.shape)))
    stale = [1 < values.size != size for values in (a, b)]
    return (call.frozen(0) if stale[0] else a, call.frozen(1) if stale[1] else b)


def binary(function: Function, *types: str) -> Kernel:
    """A kernel for float32 (and the further `types`) that keeps the element type; a fused ReLU is applied."""
    allowed = ("float32", *types)

    def kernel(call: Call) -> Outputs:
        _check_types(call, allowed)
        a, b = operands(call)
        result = np.asarray(function(a, b), dtype=a.dtype)
        return one(fused(result, call.integer("activation_type") if "activation_type" in call.node.attrs else 0))

    return kernel


def comparison(function: Function, *types: str) -> Kernel:
    """A kernel for float32, int32 (and the further `types`) with a bool result."""
    allowed = ("float32", "int32", *types)

    def kernel(call: Call) -> Outputs:
        _check_types(call, allowed)
        return one(function(*operands(call)))

    return kernel


def logical(function: Function) -> Kernel:
    """A kernel for bool."""

    def kernel(call: Call) -> Outputs:
        _check_types(call, ("bool",))
        return one(function(*operands(call)))

    return kernel


def _check_types(call: Call, allowed: tuple[str, ...]) -> None:
    a, b = call[0].dtype, call[1].dtype
    call.demand(a.name in allowed, f"works on {' or '.join(allowed)}, not on {a}")
    call.demand(a == b, f"has inputs of the different types {a} and {b}")


def divide(a: Array, b: Array) -> Array:
    """Quotient; integers are cut toward zero."""
    return np.asarray(a / b) if a.dtype.kind == "f" else np.trunc(a / b)


def floor_divide(a: Array, b: Array) -> Array:
    """Floor of the quotient; the device's int32 kernel cuts toward zero instead."""
    return np.floor(a / b) if a.dtype.kind == "f" else np.trunc(a / b)


def floor_mod(a: Array, b: Array) -> Array:
    """Remainder with the sign of the divisor."""
    return np.asarray(a - np.floor(a / b) * b)


def modulo(a: Array, b: Array) -> Array:
    """Remainder with the sign of the dividend, as C's fmod."""
    return np.fmod(a, b)


def squared_difference(a: Array, b: Array) -> Array:
    """(a - b)^2."""
    return np.asarray(np.square(a - b))


def eltwise(call: Call) -> Outputs:
    """Eltwise: product, sum or maximum by the mode attribute."""
    table: dict[int, Function] = {0: np.multiply, 1: np.add, 2: np.maximum}
    mode = call.integer("mode")
    call.demand(mode in table, f"has the unknown mode {mode}")
    return one(table[mode](*operands(call)))


def reduce_to(values: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which `shape` was broadcast."""
    extra = values.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, dim in enumerate(shape) if dim == 1 and values.shape[extra + i] != 1
    )
    return sums.total(values, axes).reshape(shape)


def extremum_grad(is_first: Function) -> Kernel:
    """MaximumGrad, MinimumGrad (x1, x2, dy) -> (dx1, dx2); `is_first` says where x1 was taken."""

    def kernel(call: Call) -> Outputs:
        a, b, dy = call[0], call[1], call[2]
        first = is_first(a, b)
        zero = np.float32(0)
        return reduce_to(np.where(first, dy, zero), a.shape), reduce_to(np.where(first, zero, dy), b.shape)

    return kernel


def bias_add(call: Call) -> Outputs:
    """X + bias along the last axis; the bias is read at every step."""
    x, bias = call[0], call[1]
    call.demand(bias.size == x.shape[-1], f"adds {bias.size} biases to {x.shape[-1]} channels")
    return one(x + bias.reshape(-1))


def bias_add_grad(call: Call) -> Outputs:
    """Sum over all axes but the last, whatever the format."""
    return one(sums.rows(call[0]))


def scale_fusion(call: Call) -> Outputs:
    """X * scale + offset along the axes from `axis` on; constants are copied at compile time."""
    x, scale = call[0], call.frozen(1)
    axis = call.integer("axis") % x.ndim
    shape = scale.shape + (1,) * (x.ndim - axis - scale.ndim)
    result = x * scale.reshape(shape)
    if len(call.inputs) > 2:  # noqa: PLR2004 - the offset is the third input
        result = result + call.frozen(2).reshape(shape)
    return one(fused(np.asarray(result), call.integer("activation_type")))
