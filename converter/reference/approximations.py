"""The device's own approximations of elementary functions, step by step in float32.

They differ from the exact functions by more than rounding, so a reference that used `numpy.exp` would not be the
device: exp is a fifth-order polynomial around zero (relative error up to 3e-6, and 3e-7 more for every unit of
the argument, because ln 2 has six digits only), tanh a rational function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from converter.reference.call import Array

_F = np.float32
_LN2 = _F(0.693147)
_EXP_LIMIT = _F(88.0)
_TANH_LIMIT = _F(5.0)
_ERF_SWITCH = 3.0
# 1/5!, 1/4!, 1/3!, 1/2!, 1, 1
_EXP_SERIES = tuple(_F(1.0) / _F(divisor) for divisor in (120, 24, 6, 2, 1, 1))


def exp(x: Array) -> Array:
    """Exponential: 2^k times the Taylor polynomial of order five of the rest; the argument is kept in ±88."""
    x = np.clip(x, -_EXP_LIMIT, _EXP_LIMIT)
    whole = np.floor(x / _LN2 + _F(0.5)).astype(np.int32)
    rest = x - whole.astype(np.float32) * _LN2
    series = np.full_like(rest, _EXP_SERIES[0])
    for term in _EXP_SERIES[1:]:
        series *= rest
        series += term
    return np.asarray(((whole + 127) << 23).view(np.float32) * series)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) with the device's exp."""
    return np.asarray(_F(1.0) / (_F(1.0) + exp(-x)))


def tanh(x: Array) -> Array:
    """A rational function of order 7 over 6, and exactly ±1 beyond ±5."""
    square = x * x
    above = (((square + _F(378)) * square + _F(17325)) * square + _F(135135)) * x
    below = ((_F(28) * square + _F(3150)) * square + _F(62370)) * square + _F(135135)
    inside = above / below
    return np.where(x > _TANH_LIMIT, _F(1), np.where(x < -_TANH_LIMIT, _F(-1), inside)).astype(np.float32)


def erf(x: Array) -> Array:
    """The error function in float64 (Abramowitz and Stegun 7.1.5 and a continued fraction), rounded to float32."""
    wide = np.asarray(x, dtype=np.float64)
    size = np.abs(wide)
    result = np.where(size < _ERF_SWITCH, _erf_series(np.minimum(size, _ERF_SWITCH)), 1.0 - _erfc_tail(size))
    return np.asarray(np.sign(wide) * result, dtype=np.float32)


def _erf_series(x: Array) -> Array:
    """Maclaurin series of erf; sixty terms give double precision up to 3."""
    term = x.copy()
    total = x.copy()
    for k in range(1, 60):
        term *= -x * x / k
        total += term / (2 * k + 1)
    return np.asarray(total * 2.0 / np.sqrt(np.pi))


def _erfc_tail(x: Array) -> Array:
    """Continued fraction of erfc, evaluated from the inside; good from 2 upward."""
    x = np.maximum(x, 2.0)
    fraction = np.zeros_like(x)
    for k in range(60, 0, -1):
        fraction = (k / 2.0) / (x + fraction)
    return np.asarray(np.exp(-x * x) / (x + fraction) / np.sqrt(np.pi))
