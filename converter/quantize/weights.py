"""WEIGHT_QUANT with 8 bits: weights become int8 with scales; the device turns them back when it loads the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, DType, Note, TensorType
from converter.ops.encoding import encode
from converter.ops.lite_ops import OPTIMIZERS
from converter.quantize.arithmetic import corrected, quantize, scale_of
from converter.quantize.policy import candidates, choose

if TYPE_CHECKING:
    from converter.ir import Model, Node, QuantParam, Value
    from converter.options import QuantOptions

    Array = np.ndarray[Any, np.dtype[Any]]

QUANT_WEIGHT = 4


def quantize_weights(model: Model, options: QuantOptions) -> bool:
    """Quantize the weights that the policy chooses; the first node of the file that may, decides.

    Raises `ConversionError` E401 for weights that hold NaN or infinity.
    """
    problems = Problems()
    changed = False
    for graph in model.graphs:
        for node in graph.nodes:
            for value in candidates(node, options):
                changed |= _quantize(model, node, value, options, problems)
        for node in graph.nodes:
            if any(value.quant for value in node.inputs):
                node.quant_type = QUANT_WEIGHT
    problems.raise_if_any()
    if not changed:
        model.notes.append(Note("warning", "no weight was large enough to be quantized"))
    return changed


def _quantize(model: Model, node: Node, value: Value, options: QuantOptions, problems: Problems) -> bool:
    """One weight; False when a threshold keeps it float."""
    choice = choose(node, value, options)
    if choice is None or value.const is None:
        return False
    numbers = value.const.array()
    if not np.isfinite(numbers).all():
        message = f"weight {value.name!r} holds NaN or infinity, so it has no scale"
        problems.add(Problem("E401", message, path=model.path, node=node.name, op=node.op))
        return False
    if choice.axis is None:
        levels, params = _per_layer(numbers)
    else:
        levels, params = _per_channel(numbers, choice.axis, with_correction=options.bias_correction)
    encoded = encode(levels, [param.zero_point for param in params]) if options.enable_encode else None
    value.const = encoded or ArrayTensor.of(levels)
    value.type, value.quant = TensorType(DType.INT8, value.type.shape), params
    if node.op in OPTIMIZERS:
        message = f"optimizer slot {value.name!r} is stored in 8 bits, as the official converter does, less precisely"
        model.notes.append(Note("quantize", message, node.name))
    return True


def _per_layer(numbers: Array) -> tuple[Array, tuple[QuantParam, ...]]:
    """One scale for all values."""
    param = scale_of(numbers.min(), numbers.max())
    return quantize(numbers, param), (param,)


def _per_channel(numbers: Array, axis: int, *, with_correction: bool) -> tuple[Array, tuple[QuantParam, ...]]:
    """One scale for each slice along the axis."""
    levels = np.empty(numbers.shape, np.int8)
    params: list[QuantParam] = []
    for channel, part in enumerate(np.moveaxis(numbers, axis, 0)):
        values = np.ascontiguousarray(part)
        param = scale_of(values.min(), values.max())
        quantized = quantize(values, param)
        np.moveaxis(levels, axis, 0)[channel] = quantized
        params.append(corrected(values.reshape(-1), quantized.reshape(-1), param) if with_correction else param)
    return levels, tuple(params)
