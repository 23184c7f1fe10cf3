"""WEIGHT_QUANT: weights become integers with scales; the device turns them back when it loads the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, DType, Note, TensorType
from converter.ops.encoding import encode
from converter.quantize.arithmetic import Levels
from converter.quantize.policy import candidates, choose
from converter.quantize.slices import per_channel, per_layer

if TYPE_CHECKING:
    from converter.ir import Model, Node, Value
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
    kept = Levels.of_bits(options.bit_num)
    if choice.axis is None:
        levels, params = per_layer(numbers, kept)
    else:
        levels, params = per_channel(numbers, choice.axis, kept, with_correction=options.bias_correction)
    zero_points = [param.zero_point for param in params]
    encoded = encode(levels, zero_points, options.bit_num) if options.enable_encode else None
    value.const = encoded or ArrayTensor.of(levels)
    value.type = TensorType(DType.of(levels.dtype), value.type.shape)
    value.quant = tuple(replace(param, bits=options.bit_num) for param in params)
    return True
