"""Scale, zero point and corrections, bit for bit as the official converter computes them.

Float widths and the order of sums are part of the result (facts §8.1; tests/oracle/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import QuantParam
from converter.ops.levels import nearest_levels, round_away

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

_LEAST_RANGE = np.float32(1e-10)
_LARGEST_CORRECTION = 10


@dataclass(frozen=True)
class Levels:
    """The integers that values are stored as: `low` to `high`; symmetric ranges have 0 in the middle."""

    low: int
    high: int
    is_symmetric: bool = False

    @classmethod
    def of_bits(cls, bits: int) -> Levels:
        """All integers of a width."""
        return cls(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)

    @property
    def count(self) -> int:
        """Steps from the lowest to the highest."""
        return self.high - self.low


ASYMMETRIC = Levels(-128, 127)
SYMMETRIC = Levels(-127, 127, is_symmetric=True)


def scale_of(low: np.float32, high: np.float32, levels: Levels = ASYMMETRIC) -> QuantParam:
    """Scale and zero point of a range; zero falls on a level."""
    high = max(high, np.float32(low + _LEAST_RANGE))
    if levels.is_symmetric:
        high = max(abs(low), abs(high))
        low = -high
    low, high = min(low, np.float32(0)), max(high, np.float32(0))
    step = float(np.float32(high - low)) / levels.count
    below = float(round_away(-float(low) / step))
    low, high = np.float32((0 - below) * step), np.float32((levels.count - below) * step)
    scale = float(np.float32(high - low) / np.float32(levels.count))
    return QuantParam(scale, 0 if levels.is_symmetric else int(round_away(levels.low - float(low) / scale)))


def quantize(values: Array, param: QuantParam, levels: Levels = ASYMMETRIC) -> Array:
    """Nearest levels, as the narrowest integers that hold them."""
    return nearest_levels(values, param.scale, param.zero_point, levels.low, levels.high)


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
