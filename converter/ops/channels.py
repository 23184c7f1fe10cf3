"""Along which axis a weight has a scale for each output channel, in the layout of a `.ms` file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir import Node, Value

_MATRIX_INPUTS, _GATHER_AXIS = 2, 2


def channel_axis(node: Node, value: Value) -> int:
    """The axis of the output channels of the node that reads the weight; for an embedding the one it is read along."""
    rank = len(value.type.shape or ())
    if node.op == "Gather":
        axis = node.inputs[_GATHER_AXIS].const if len(node.inputs) > _GATHER_AXIS else None
        return 0 if axis is None else int(axis.array().reshape(-1)[0]) % rank
    if node.op == "Conv2dTransposeFusion":
        is_depthwise = node.attrs.get("in_channel") == node.attrs.get("out_channel") == node.attrs.get("group")
        return 0 if is_depthwise else rank - 1
    if node.op != "MatMulFusion":
        return 0
    place = next(index for index, each in enumerate(node.inputs) if each is value)
    if place >= _MATRIX_INPUTS:
        return 0
    is_row = node.attrs.get("transpose_b") if place else not node.attrs.get("transpose_a")
    return rank - 2 if is_row else rank - 1
