"""A weight as integers: with one scale, or with one for each slice along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.quantize.arithmetic import corrected, quantize, scale_of

if TYPE_CHECKING:
    from converter.ir import QuantParam
    from converter.quantize.arithmetic import Levels

    Array = np.ndarray[Any, np.dtype[Any]]


def per_layer(numbers: Array, kept: Levels) -> tuple[Array, tuple[QuantParam, ...]]:
    """One scale for all values."""
    param = scale_of(numbers.min(), numbers.max(), kept)
    return quantize(numbers, param, kept), (param,)


def per_channel(
    numbers: Array, axis: int, kept: Levels, *, with_correction: bool
) -> tuple[Array, tuple[QuantParam, ...]]:
    """One scale for each slice along the axis, with the correction of its mean and deviation where wanted."""
    levels: list[Array] = []
    params: list[QuantParam] = []
    for part in np.moveaxis(numbers, axis, 0):
        values = np.ascontiguousarray(part)
        param = scale_of(values.min(), values.max(), kept)
        levels.append(quantize(values, param, kept))
        params.append(corrected(values.reshape(-1), levels[-1].reshape(-1), param) if with_correction else param)
    return np.ascontiguousarray(np.moveaxis(np.stack(levels), 0, axis)), tuple(params)
