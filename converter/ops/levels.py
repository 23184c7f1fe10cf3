"""Real numbers to the integers that stand for them, as the device and the official converter round."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def round_away(numbers: Any) -> Any:  # noqa: ANN401 - a scalar for a scalar, an array for an array
    """Round to the nearest integer, halves away from zero; numpy's own rounding takes halves to even."""
    whole = np.trunc(numbers)
    # What is left lies between -1 and 1, so twice of it is exact and has a whole part from a half on.
    return whole + np.trunc(2 * (numbers - whole))


def nearest_levels(values: Array, scale: Any, zero_point: Any, low: int, high: int) -> Array:  # noqa: ANN401 - as above
    """Levels of values, clipped to [low, high]; int8 where that holds the range, else int16.

    `scale` and `zero_point` are numbers, or arrays that broadcast against the values.
    """
    levels = round_away(values.astype(np.float64) / scale + zero_point)
    kind = np.int8 if low >= -(1 << 7) and high < 1 << 7 else np.int16
    rounded: Array = np.clip(levels, low, high).astype(kind)
    return rounded
