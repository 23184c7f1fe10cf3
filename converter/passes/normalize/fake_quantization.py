"""Quantization-aware training: what FakeQuant nodes say becomes scales of tensors, and the nodes go.

MindSpore trains with weights and activations that are rounded to the levels of a later int8 network (FakeQuantPerLayer
and FakeQuantPerChannel, in its `compression` package up to 1.8). Weights are rounded once, here; activations carry
their scale to the quantization behind the passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, QuantParam, Value
from converter.ir.editing import remove, replace_uses
from converter.ops.levels import nearest_levels, round_away

if TYPE_CHECKING:
    from converter.ir import Model, Node

    Array = np.ndarray[Any, np.dtype[Any]]

FAKE_QUANT = ("FakeQuantPerLayer", "FakeQuantPerChannel")
_LEAST_RANGE = 1e-10
_INPUTS = 3
_BITS = 8  # the only width with kernels


def take_trained_scales(model: Model) -> bool:
    """Turn FakeQuant nodes into scales.

    Raises `ConversionError` E202 for nodes whose ranges are not constants, or that are not of 8 bits.
    """
    problems = Problems()
    changed = False
    for graph in model.graphs:
        for node in [node for node in graph.nodes if node.op in FAKE_QUANT]:
            if any(value.const is None for value in node.inputs[1:]) or len(node.inputs) != _INPUTS:
                problems.add(_problem(node, "has ranges that are not constants", "export a network that was trained"))
                continue
            bits = node.attrs.get("num_bits", _BITS)
            if bits != _BITS:
                problems.add(_problem(node, f"has {bits!r} bits", "train with 8 bits"))
                continue
            replace_uses(graph, node.outputs[0], _replacement(node))
            remove(graph, [node])
            changed = True
    problems.raise_if_any()
    return changed


def _problem(node: Node, message: str, hint: str) -> Problem:
    origin = node.origin
    return Problem("E202", message, origin.path, node=node.name, op=node.op, scope=origin.scope, hint=hint)


def _replacement(node: Node) -> Value:
    """The node's input with its scale; a rounded constant in the place of a constant."""
    value = node.inputs[0]
    low, high = (_numbers(each) for each in node.inputs[1:])
    is_symmetric, is_narrow = bool(node.attrs.get("symmetric")), bool(node.attrs.get("narrow_range"))
    least = -127 if is_symmetric or is_narrow else -128
    scale, zero_point = _scales(low, high, least, is_symmetric=is_symmetric)
    if value.const is None:
        value.quant = (QuantParam(float(scale[0]), int(zero_point[0])),)
        return value
    axis = node.attrs.get("channel_axis", 0)
    shape = [1] * len(value.type.shape or ())
    if scale.size > 1 and isinstance(axis, int):
        shape[axis] = scale.size
    steps, zeros = scale.reshape(shape), zero_point.reshape(shape)
    levels = nearest_levels(value.const.array(), steps, zeros, least, 127)
    rounded = ArrayTensor.of(((levels - zeros) * steps).astype(np.float32))
    return Value(value.name, rounded.type, const=rounded, layout=value.layout)


def _numbers(value: Value) -> Array:
    numbers = value.const.array() if value.const is not None else np.zeros(1)
    return numbers.astype(np.float64).reshape(-1)


def _scales(low: Array, high: Array, least: int, *, is_symmetric: bool) -> tuple[Array, Array]:
    """Scale and zero point of each range; a range contains zero, which falls on a level."""
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    if is_symmetric:
        high = np.maximum(-low, high)
        low = -high
    scale = np.maximum(high - low, _LEAST_RANGE) / (127 - least)
    zero_point = np.zeros_like(scale) if is_symmetric else round_away(least - low / scale)
    return scale, zero_point
