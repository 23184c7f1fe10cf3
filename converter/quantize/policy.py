"""Which weights WEIGHT_QUANT stores as integers, and along which axis they have scales of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir import DType
from converter.ops.lite_ops import LITE_OPS, OPTIMIZERS

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.options import QuantOptions

CONVOLUTIONS = frozenset({"Conv2DFusion", "Conv2dTransposeFusion"})
# 256 / (32 - bits) values per channel: with fewer, scales of its own cost a channel more than they save.
LEAST_CHANNEL_VALUES = 256 // (32 - 8)
_MATRIX_INPUTS = 2


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

    Slots of optimizers have one scale, and so has a matrix with several readers; everything else one per channel.
    """
    axis = channel_axis(node, value)
    channels = (value.type.shape or ())[axis]
    if node.op in CONVOLUTIONS and channels <= options.min_quant_weight_channel:
        return None
    is_shared_matrix = node.op == "MatMulFusion" and len(value.users) > 1
    if node.op in OPTIMIZERS or is_shared_matrix or not options.per_channel:
        return Choice(None)
    return Choice(axis) if value.type.size // channels > LEAST_CHANNEL_VALUES else None


def channel_axis(node: Node, value: Value) -> int:
    """The axis of the output channels, in the layout of the file."""
    rank = len(value.type.shape or ())
    if node.op != "MatMulFusion":
        return 0
    place = next(index for index, each in enumerate(node.inputs) if each is value)
    if place >= _MATRIX_INPUTS:
        return 0
    is_row = node.attrs.get("transpose_b") if place else not node.attrs.get("transpose_a")
    return rank - 2 if is_row else rank - 1
