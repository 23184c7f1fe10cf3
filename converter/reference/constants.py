"""Numbers of constants: as stored, or restored from the integers of weight quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.errors import fail
from converter.ir import DType

if TYPE_CHECKING:
    from converter.ir import Model, Node, QuantParam, Value
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

    The last for a MatMul weight that is not transposed, else the first; where that one does not fit, the only one that
    does (a transposed convolution has its output channels last).
    """
    preferred = len(shape) - 1 if any(_is_plain_matmul(user, value) for user in value.users) else 0
    count = len(value.quant)
    if shape[preferred] == count:
        return preferred
    fitting = [axis for axis, size in enumerate(shape) if size == count]
    return fitting[0] if len(fitting) == 1 else None


def _is_plain_matmul(user: Node, value: Value) -> bool:
    is_weight = len(user.inputs) > 1 and user.inputs[1] is value
    return user.op == "MatMulFusion" and is_weight and not user.attrs["transpose_b"]
