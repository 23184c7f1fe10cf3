"""Scale, zero point, integers and corrections of 8-bit weights, bit for bit as the official converter computes them.

Float widths and the order of sums are part of the result (facts §8.1; tests/oracle/README.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import QuantParam

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

Q_MIN, Q_MAX = -128, 127
_LEVELS = Q_MAX - Q_MIN
_LEAST_RANGE = np.float32(1e-10)
_LARGEST_CORRECTION = 10


def round_away(numbers: Any) -> Any:  # noqa: ANN401 - a scalar for a scalar, an array for an array
    """Round to the nearest integer, halves away from zero; numpy's own rounding takes halves to even."""
    whole = np.trunc(numbers)
    return whole + np.where(np.abs(numbers - whole) >= 0.5, np.copysign(1.0, numbers), 0.0)  # noqa: PLR2004 - a half


def scale_of(low: np.float32, high: np.float32) -> QuantParam:
    """Asymmetric scale and zero point of a range; zero falls on a level."""
    high = max(high, np.float32(low + _LEAST_RANGE))
    low, high = min(low, np.float32(0)), max(high, np.float32(0))
    step = float(np.float32(high - low)) / _LEVELS
    below = float(round_away(-float(low) / step))
    low, high = np.float32((0 - below) * step), np.float32((_LEVELS - below) * step)
    scale = float(np.float32(high - low) / np.float32(_LEVELS))
    return QuantParam(scale, int(round_away(Q_MIN - float(low) / scale)))


def quantize(values: Array, param: QuantParam) -> Array:
    """Nearest levels as int8."""
    levels = round_away(values.astype(np.float64) / param.scale + param.zero_point)
    rounded: Array = np.clip(levels, Q_MIN, Q_MAX).astype(np.int8)
    return rounded


def corrected(values: Array, levels: Array, param: QuantParam) -> QuantParam:
    """The parameter with the factors that give the dequantized channel its old mean and deviation back."""
    raw = values.astype(np.float64)
    back = (param.scale * (levels.astype(np.float64) - param.zero_point)).astype(np.float32).astype(np.float64)
    mean, mean_back = _sum(raw) / raw.size, _sum(back) / raw.size
    deviation = np.sqrt(_sum((raw - mean) ** 2) / raw.size)
    deviation_back = np.sqrt(_sum((back - mean_back) ** 2) / raw.size)
    variance = np.float32(1)
    epsilon = np.finfo(np.float64).eps
    if min(deviation, deviation_back) > epsilon and deviation / deviation_back < _LARGEST_CORRECTION:
        variance = np.float32(deviation / deviation_back)
    offset = float(np.float32(mean - mean_back * float(variance)))
    return QuantParam(param.scale, param.zero_point, param.bits, float(variance), offset)


def _sum(numbers: Array) -> float:
    """Sum front to back; numpy's pairwise sum differs in the last bits."""
    return float(np.cumsum(numbers)[-1])
