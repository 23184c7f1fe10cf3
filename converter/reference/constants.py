"""Numbers of constants: as stored, or restored from the integers of weight quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.errors import fail
from converter.ir import DType
from converter.ops import channels as ops_channels

if TYPE_CHECKING:
    from converter.ir import Model, QuantParam, Value
    from converter.reference.call import Array

_INTEGERS = (np.dtype("i1"), np.dtype("<i2"))


def constant_array(value: Value, model: Model) -> Array:
    """The constant's numbers; float16 and int8 and int16 weights with quantization parameters become float32.

    That is what the device does when it loads a model that does not train.

    real = (q - zero point) * scale, then real * var_corr + mean_corr, with one parameter for the tensor or one for
    each slice along the axis that `channel_axis` tells.
    """
    if value.const is None:
        raise fail("E602", f"the tensor {value.name!r} has no numbers", path=model.path)
    stored = value.const.array()
    if value.type.dtype is DType.FLOAT16:
        return stored.astype(np.float32)
    if not value.quant or stored.dtype not in _INTEGERS:
        return stored
    if len(value.quant) == 1:
        return dequantize(stored, value.quant, 0)
    axis = channel_axis(value, stored.shape)
    if axis is None:
        count = len(value.quant)
        message = f"the tensor {value.name!r} has {count} quantization parameters and the shape {list(stored.shape)}"
        raise fail("E602", message, path=model.path)
    return dequantize(stored, value.quant, axis)


def dequantize(stored: Array, params: tuple[QuantParam, ...], axis: int) -> Array:
    """Integers to float32; several parameters stand along `axis`."""
    shape = [1] * stored.ndim
    if len(params) > 1:
        shape[axis] = len(params)

    def row(name: str) -> Array:
        return np.array([getattr(param, name) for param in params], np.float64).reshape(shape)

    real = (stored.astype(np.float64) - row("zero_point")) * row("scale")
    return np.asarray(real * row("var_corr") + row("mean_corr"), dtype=np.float32)


def channel_axis(value: Value, shape: tuple[int, ...]) -> int | None:
    """The axis of per-channel parameters, None when no axis has as many slices as there are parameters.

    The one that a reader of the weight has its channels along; where that does not fit, the only one that does.
    """
    count = len(value.quant)
    axes = [ops_channels.channel_axis(user, value) for user in value.users]
    fitting = [axis for axis in axes if shape[axis] == count]
    if fitting:
        return fitting[0]
    others = [axis for axis, size in enumerate(shape) if size == count]
    return others[0] if len(others) == 1 else None
