"""Weights and biases of int8 nodes: int8 with symmetric scales per channel, int32 in units of input times weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import QuantParam
from converter.ops.levels import round_away
from converter.quantize.arithmetic import ASYMMETRIC, SYMMETRIC, quantize, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

# Half of what 32 bits hold: the other half is for the sum of the products.
_LARGEST_BIAS = 1 << 30
_BIAS_BITS = 32


@dataclass(frozen=True)
class Int8Weight:
    """Levels with one parameter for all, or one for each slice along `axis`."""

    levels: Array
    params: tuple[QuantParam, ...]
    axis: int | None

    def real(self) -> Array:
        """What the levels stand for, float32."""
        shape = [1] * self.levels.ndim
        if self.axis is not None:
            shape[self.axis] = len(self.params)
        scale = np.array([param.scale for param in self.params]).reshape(shape)
        zero = np.array([param.zero_point for param in self.params]).reshape(shape)
        real: Array = ((self.levels.astype(np.float64) - zero) * scale).astype(np.float32)
        return real


def int8_weight(numbers: Array, axis: int | None, bias: Array | None, input_scale: float) -> Int8Weight:
    """Quantize a weight; where its bias would not fit into 32 bits, the scale of the weight grows until it does."""
    if axis is None:
        largest = 0.0 if bias is None else float(np.abs(bias).max())
        param = _roomy(scale_of(numbers.min(), numbers.max(), ASYMMETRIC), largest, input_scale)
        return Int8Weight(quantize(numbers, param, ASYMMETRIC), (param,), None)
    levels = np.empty(numbers.shape, np.int8)
    params: list[QuantParam] = []
    for channel, part in enumerate(np.moveaxis(numbers, axis, 0)):
        largest = 0.0 if bias is None else float(abs(bias[channel]))
        param = _roomy(scale_of(part.min(), part.max(), SYMMETRIC), largest, input_scale)
        np.moveaxis(levels, axis, 0)[channel] = quantize(part, param, SYMMETRIC)
        params.append(param)
    return Int8Weight(levels, tuple(params), axis)


def _roomy(param: QuantParam, bias: float, input_scale: float) -> QuantParam:
    """The parameter, with a scale that leaves room for the bias."""
    least = bias / (_LARGEST_BIAS * input_scale)
    return param if param.scale >= least else replace(param, scale=least)


def int32_bias(bias: Array, weights: Sequence[QuantParam], input_scale: float) -> tuple[Array, tuple[QuantParam, ...]]:
    """The bias in units of input scale times weight scale, one or one per channel."""
    params = tuple(QuantParam(input_scale * param.scale, 0, _BIAS_BITS) for param in weights)
    levels = round_away(bias.astype(np.float64) / np.array([param.scale for param in params]))
    return np.clip(levels, -_LARGEST_BIAS, _LARGEST_BIAS).astype(np.int32), params
