"""Gathering and scattering by computed positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import wire
from converter.ops.adapters.shapes import axis_argument
from converter.ops.context import integers_of

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.context import Context


def gather(context: Context, node: Node) -> None:
    """Gather(x, indices, axis), the axis counted from the front."""
    axis, rank = integers_of(node.inputs[2]), node.inputs[0].type.rank
    if axis is None or rank is None:
        context.refuse("E202", node, "the axis of Gather is not a constant")
        return
    wire(node, [*node.inputs[:2], axis_argument(axis[0] % rank)])


def segment_sum(context: Context, node: Node) -> None:
    """UnsortedSegmentSum(x, segments, count)."""
    if integers_of(node.inputs[2]) is None:
        context.refuse("E202", node, "the number of segments is not a constant", "export the model with fixed shapes")


def scatter(context: Context, node: Node) -> None:
    """ScatterNd(indices, updates, shape)."""
    if integers_of(node.inputs[2]) is None:
        context.refuse("E202", node, "the shape of ScatterNd is not a constant", "export the model with fixed shapes")
