"""Nodes that compute in int8 (quantType QUANT_ALL), and the casts around them.

The device multiplies integers and scales the sum back; here the real numbers that the integers stand for are computed
by the float kernel and rounded to the output's levels, which differs by at most one level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType
from converter.ops.levels import nearest_levels, round_away
from converter.reference.call import Array, Call, Outputs, refusal
from converter.reference.constants import dequantize

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.reference.call import Kernel

QUANT_ALL = 5
_LOW, _HIGH = -128, 127
_SIGN = np.uint8(128)
_LEAST = 1e-10
_LEVELS = (np.dtype("i1"), np.dtype("<i4"))


def computes_in_int8(node: Node) -> bool:
    """Whether the node reads and writes levels."""
    return node.quant_type == QUANT_ALL and bool(node.inputs[0].quant)


def compute_in_int8(call: Call, kernel: Kernel) -> Outputs:
    """Levels to numbers, the float kernel, numbers to levels."""
    node = call.node
    inputs = tuple(_real(value, array) for value, array in zip(node.inputs, call.inputs, strict=True))
    results = kernel(Call(node, inputs, is_training=call.is_training))
    return tuple(
        None if array is None else _levels(node, value, array)
        for value, array in zip(node.outputs, results, strict=False)
    )


def cast(call: Call) -> Outputs:
    """QuantDTypeCast: float32 to int8 by the output's parameter, back by the input's; int8 to uint8 and back."""
    node, array = call.node, call[0]
    if (array.dtype, node.attrs["dst_t"]) == (np.dtype("u1"), DType.INT8):
        return ((array ^ _SIGN).view(np.int8),)
    if (array.dtype, node.attrs["dst_t"]) == (np.dtype("i1"), DType.UINT8):
        return (array.view(np.uint8) ^ _SIGN,)
    call.demand(array.dtype in (np.dtype("<f4"), np.dtype("i1")), f"reads {array.dtype}")
    if array.dtype == np.float32:
        return (_levels(node, node.outputs[0], array),)
    call.demand(bool(node.inputs[0].quant), "reads int8 without a scale")
    return (dequantize(array, node.inputs[0].quant, 0),)


def round_dynamically(call: Call) -> Outputs:
    """DynamicQuant: the numbers that the levels of this run stand for; the reader gets its scale with them."""
    array = call[0].astype(np.float64)
    axes = None
    if call.flag("activation_channel"):
        axes = tuple(axis for axis in range(array.ndim) if axis != call.integer("prefer_axis") % array.ndim)
    low = np.minimum(array.min(axis=axes, keepdims=True), 0)
    high = np.maximum(array.max(axis=axes, keepdims=True), 0)
    if call.flag("symmetric"):
        high = np.maximum(-low, high)
        scale, zero_point = np.maximum(high, _LEAST) / _HIGH, np.zeros_like(high)
    else:
        scale = np.maximum(high - low, _LEAST) / (_HIGH - _LOW)
        zero_point = round_away(_LOW - low / scale)
    levels = nearest_levels(array, scale, zero_point, _LOW, _HIGH)
    return (((levels - zero_point) * scale).astype(np.float32),)


def _real(value: Value, array: Array) -> Array:
    is_levels = bool(value.quant) and array.dtype in _LEVELS
    return dequantize(array, value.quant, 0) if is_levels else array


def _levels(node: Node, value: Value, array: Array) -> Array:
    if not value.quant:
        raise refusal(node, f"writes {value.name!r} in int8 without a scale")
    param = value.quant[0]
    return nearest_levels(array, param.scale, param.zero_point, _LOW, _HIGH)
