"""Activation functions and their gradients, with the device's formulas where they differ from the definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.reference import approximations
from converter.reference.call import Array, Call, Outputs, one

if TYPE_CHECKING:
    from collections.abc import Callable

_F = np.float32
_ZERO, _ONE, _THREE, _SIX = _F(0), _F(1), _F(3), _F(6)
_HALF = _F(0.5)
_SQRT_2 = 1.4142135623730951
_GELU_LINEAR, _GELU_CUBIC = _F(0.79788456080287), _F(0.035677408136)

NONE, RELU, SIGMOID, RELU6, ELU, LEAKY_RELU = 0, 1, 2, 3, 4, 5
SOFTSIGN, SOFTPLUS, TANH, HSWISH, HSIGMOID = 8, 9, 10, 12, 13
HARD_TANH, SWISH, GELU = 16, 18, 19


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, _ZERO)


def relu6(x: Array) -> Array:
    """X kept in [0, 6]."""
    return np.clip(x, _ZERO, _SIX)


def gelu(x: Array, approximate: bool) -> Array:
    """X times the normal distribution function, or its tanh approximation."""
    if approximate:
        inner = (_GELU_LINEAR + _GELU_CUBIC * x * x) * x
        return np.asarray(_HALF * x * (_ONE + approximations.tanh(inner)))
    normal = 0.5 * (1.0 + approximations.erf(x / _F(_SQRT_2)).astype(np.float64))
    return np.asarray(x * normal, dtype=np.float32)


def _elu(x: Array, alpha: np.float32) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, _ZERO)) * alpha)


def _softplus(x: Array) -> Array:
    return np.log1p(approximations.exp(x))


def fused(x: Array, kind: int) -> Array:
    """The activation that a convolution, pooling, MatMul or Add applies to its result."""
    if kind == NONE:
        return x
    return {RELU: relu, RELU6: relu6}[kind](x)


def activation(call: Call) -> Outputs:
    """Activation(x)."""
    x, kind = call[0], call.integer("activation_type")
    if x.dtype == np.int32 and kind == RELU:
        return one(np.maximum(x, 0))
    call.demand(x.dtype == np.float32, f"works on float32, not on {x.dtype}")
    alpha = call.number("alpha")
    table: dict[int, Callable[[], Array]] = {
        NONE: lambda: x,
        RELU: lambda: relu(x),
        SIGMOID: lambda: approximations.sigmoid(x),
        RELU6: lambda: relu6(x),
        ELU: lambda: _elu(x, alpha),
        LEAKY_RELU: lambda: np.where(x > 0, x, x * alpha),
        SOFTSIGN: lambda: x / (_ONE + np.abs(x)),
        SOFTPLUS: lambda: _softplus(x),
        TANH: lambda: approximations.tanh(x),
        HSWISH: lambda: x * relu6(x + _THREE) / _SIX,
        HSIGMOID: lambda: relu6(x + _THREE) / _SIX,
        HARD_TANH: lambda: np.clip(x, call.number("min_val"), call.number("max_val")),
        SWISH: lambda: x * approximations.sigmoid(x),
        GELU: lambda: gelu(x, call.flag("approximate")),
    }
    if kind not in table:
        raise call.refuse(f"has the activation type {kind}, for which the device has no kernel")
    return one(np.asarray(table[kind](), dtype=x.dtype))


def activation_grad(call: Call) -> Outputs:
    """ActivationGrad: (dy, y) for RELU, RELU6, ELU, LEAKY_RELU, (dy, x) for GELU and the H kinds, else (y, dy)."""
    first, second, kind = call[0], call[1], call.integer("activation_type")
    same = first.shape == second.shape
    call.demand(same, f"has inputs of different shapes {list(first.shape)} and {list(second.shape)}")
    alpha = call.number("alpha")
    table: dict[int, Callable[[], Array]] = {
        RELU: lambda: np.where(second > 0, first, _ZERO),
        RELU6: lambda: np.where((second > 0) & (second <= _SIX), first, _ZERO),
        LEAKY_RELU: lambda: np.where(second > 0, first, alpha * first),
        SIGMOID: lambda: second * (first * (_ONE - first)),
        TANH: lambda: (_ONE - first * first) * second,
        ELU: lambda: np.where(second > 0, first, first * np.expm1(np.minimum(second, _ZERO)) * alpha),
        HSWISH: lambda: first * _hswish_slope(second),
        HSIGMOID: lambda: np.where(np.abs(second) <= _THREE, _ONE / _SIX, _ZERO) * first,
        GELU: lambda: _gelu_grad(first, second),
        SOFTPLUS: lambda: first * approximations.sigmoid(second),
        HARD_TANH: lambda: np.where(
            (second < call.number("min_val")) | (second > call.number("max_val")), _ZERO, first
        ),
    }
    if kind not in table:
        raise call.refuse(f"has the activation type {kind}, for which the device has no gradient kernel")
    return one(np.asarray(table[kind](), dtype=np.float32))


def _hswish_slope(x: Array) -> Array:
    middle = (_F(2) * x + _THREE) / _SIX
    return np.where(x > _THREE, _ONE, np.where(x < -_THREE, _ZERO, middle))


def _gelu_grad(dy: Array, x: Array) -> Array:
    wide = x.astype(np.float64)
    density = np.exp(-0.5 * wide * wide) / np.sqrt(2.0 * np.pi)
    normal = 0.5 * (1.0 + approximations.erf(x / _F(_SQRT_2)).astype(np.float64))
    return np.asarray(dy * (normal + wide * density))


def prelu(call: Call) -> Outputs:
    """PReLUFusion(x, slope): one slope, or one per channel on the last axis; the slope is read at every step."""
    x, slope = call[0], call[1]
    if call.flag("channel_shared"):
        slope = slope.reshape(-1)[0]
    else:
        call.demand(slope.size == x.shape[-1], f"has {slope.size} slopes for {x.shape[-1]} channels")
        slope = slope.reshape(-1)
    return one(np.where(x > 0, x, x * slope))


def gated_linear_unit(call: Call) -> Outputs:
    """GLU(x): the first half along the axis, times the sigmoid of the second."""
    x = call[0]
    axis = call.integer("axis") % x.ndim
    call.demand(not x.shape[axis] % 2, f"halves {x.shape[axis]} channels")
    first, second = np.split(x, 2, axis=axis)
    return one(np.asarray(first * approximations.sigmoid(second)))
