"""Operators with one input, element by element, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType
from converter.reference import approximations
from converter.reference.call import Array, Call, Kernel, Outputs, one

if TYPE_CHECKING:
    from collections.abc import Callable

_F = np.float32
_FLOAT = ("float32",)


def unary(function: Callable[[Array], Array], *types: str) -> Kernel:
    """A kernel that applies `function` to its first input, which must have one of the element types."""
    allowed = types or _FLOAT

    def kernel(call: Call) -> Outputs:
        x = call[0]
        call.demand(x.dtype.name in allowed, f"works on {' or '.join(allowed)}, not on {x.dtype}")
        return one(np.asarray(function(x), dtype=x.dtype))

    return kernel


def exp_fusion(call: Call) -> Outputs:
    """base^(scale * x + shift); a base of -1 is e."""
    x, base = call[0], call.number("base")
    scale, shift = call.number("scale"), call.number("shift")
    if base != -1:
        call.demand(bool(base > 0), f"has the base {base}, which is neither -1 nor positive")
        factor = _F(np.log(base))
        scale, shift = scale * factor, shift * factor
    return one(approximations.exp(x if scale == 1 and shift == 0 else x * scale + shift))


def cast(call: Call) -> Outputs:
    """Cast(x, TypeId): the pairs that were seen to work on the device."""
    x = call[0]
    target = DType(call.numbers(1)[0])
    pair = (DType.of(x.dtype), target)
    if pair[0] != pair[1] and pair not in _CASTS:
        raise call.refuse(f"casts {pair[0].name.lower()} to {pair[1].name.lower()}, which the device cannot")
    if target == DType.BOOL:
        return one(x != 0)
    return one((np.trunc(x) if x.dtype.kind == "f" and target != DType.FLOAT32 else x).astype(target.numpy))


_CASTS = {
    (DType.FLOAT32, DType.INT32),
    (DType.FLOAT32, DType.INT64),
    (DType.FLOAT32, DType.BOOL),
    (DType.INT32, DType.FLOAT32),
    (DType.INT32, DType.INT64),
    (DType.INT64, DType.FLOAT32),
    (DType.INT64, DType.INT32),
    (DType.BOOL, DType.FLOAT32),
    (DType.BOOL, DType.INT32),
    (DType.UINT8, DType.FLOAT32),
}


def clip(call: Call) -> Outputs:
    """Clip(x, min, max); the attributes are not read by the device, so the inputs must be there."""
    call.demand(len(call.inputs) == 3, "needs min and max as inputs", "the device does not read the attributes")  # noqa: PLR2004 - x, min, max
    return one(np.clip(call[0], call[1].reshape(-1)[0], call[2].reshape(-1)[0]))


def add_n(call: Call) -> Outputs:
    """Sum of all inputs, in order."""
    total = call[0] + call[1]
    for values in call.inputs[2:]:
        call.demand(values.shape == total.shape, "adds tensors of different shapes")
        total = total + values
    return one(total)


def abs_grad(call: Call) -> Outputs:
    """(x, dy) -> dy * sign(x)."""
    x, dy = call[0], call[1]
    return one(np.where(x < 0, -dy, np.where(x > 0, dy, _F(0))))


def log_grad(call: Call) -> Outputs:
    """(x, dy) -> dy / x."""
    return one(call[1] / call[0])


def neg_grad(call: Call) -> Outputs:
    """(dy) -> -dy."""
    return one(-call[0])


def sqrt_grad(call: Call) -> Outputs:
    """(y, dy) -> 0.5 * dy / y."""
    return one(np.asarray(_F(0.5) * call[1] / call[0]).reshape(call.shape()))


def power_grad(call: Call) -> Outputs:
    """(dy, x) -> power * (scale * x + shift)^(power - 1) * scale * dy."""
    dy, x = call[0], call[1]
    power, scale, shift = call.number("power"), call.number("scale"), call.number("shift")
    return one(np.power(scale * x + shift, power - _F(1)) * power * scale * dy)


def power(call: Call) -> Outputs:
    """PowFusion(x, exponent): (scale * x + shift)^exponent; the exponent must be a constant."""
    call.demand(call.node.inputs[1].is_const, "needs a constant exponent", "write a^x as exp(x * log(a))")
    x, exponent = call[0], call[1]
    scale, shift = call.number("scale"), call.number("shift")
    return one(np.asarray(np.power(x * scale + shift, exponent), dtype=np.float32))


def where(call: Call) -> Outputs:
    """Where(condition, x, y) and Select: x where the condition holds, y elsewhere; same shapes or one element."""
    condition, x, y = call[0], call[1], call[2]
    call.demand(condition.dtype == np.bool_, f"needs a bool condition, not {condition.dtype}")
    return one(np.where(condition, x, y))


def is_finite(call: Call) -> Outputs:
    """IsFinite(x): whether each element is a number."""
    return one(np.isfinite(call[0]))


def round_half_even(x: Array) -> Array:
    """To the nearest integer, halves to the even one."""
    return np.rint(x)


def log(x: Array) -> Array:
    """Natural logarithm, rounded from double precision as C's library does."""
    return np.log(x.astype(np.float64))


def reciprocal(x: Array) -> Array:
    """1 / x."""
    return np.asarray(_F(1) / x)


def rsqrt(x: Array) -> Array:
    """1 / sqrt(x)."""
    return np.asarray(_F(1) / np.sqrt(x))
