"""Which weights WEIGHT_QUANT stores as integers, and along which axis they have scales of their own.

What an optimizer keeps of a weight (momentum, moving averages, rates) is never quantized: training would suffer. The
official converter does quantize it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir import DType
from converter.ops.channels import channel_axis
from converter.ops.lite_ops import LITE_OPS

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.options import QuantOptions

CONVOLUTIONS = frozenset({"Conv2DFusion", "Conv2dTransposeFusion"})
_PARAMETER_BITS, _FLOAT_BITS = 256, 32


@dataclass(frozen=True)
class Choice:
    """How one weight is stored: one scale for all of it when `axis` is None, else one for each slice along `axis`."""

    axis: int | None


def candidates(node: Node, options: QuantOptions) -> list[Value]:
    """Constant float32 inputs of rank 2 or more that the node may quantize."""
    lite = LITE_OPS.get(node.op)
    if lite is None or node.name in options.skip_quant_node:
        return []
    return [
        value
        for value in (node.inputs[i] for i in lite.quantized if i < len(node.inputs))
        if _is_weight(value, options)
    ]


def _is_weight(value: Value, options: QuantOptions) -> bool:
    """A float constant with two axes and enough elements."""
    is_float = value.const is not None and value.type.dtype is DType.FLOAT32
    return is_float and len(value.type.shape or ()) > 1 and value.type.size > options.min_quant_weight_size


def choose(node: Node, value: Value, options: QuantOptions) -> Choice | None:
    """How this node stores the weight; None when a threshold keeps it float.

    A matrix with several readers has one scale, everything else one per channel.
    """
    axis = channel_axis(node, value)
    channels = (value.type.shape or ())[axis]
    if node.op in CONVOLUTIONS and channels <= options.min_quant_weight_channel:
        return None
    is_shared_matrix = node.op == "MatMulFusion" and len(value.users) > 1
    if is_shared_matrix or not options.per_channel:
        return Choice(None)
    return Choice(axis) if value.type.size // channels > _least_channel_values(options.bit_num) else None


def _least_channel_values(bits: int) -> int:
    """Values that a channel must exceed: with fewer, a scale of its own costs more than the bits that it saves."""
    return _PARAMETER_BITS // (_FLOAT_BITS - bits)
