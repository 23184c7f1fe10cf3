"""Slices of tensors with unknown dimensions, or by bounds that the network computes: the device does the arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType, TensorType
from converter.ops.adapters.unknown_shapes import shape_argument
from converter.ops.compose import Composer
from converter.ops.context import integers_of

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

_LARGEST = 0x7FFFFFFF
_MASKS = ("begin_mask", "end_mask", "shrink_axis_mask")
_BOUNDS = slice(1, 4)


def slice_unknown(context: Context, node: Node) -> None:
    """StridedSlice(x, begin, end, strides) of the axes that have bounds; the others are taken whole.

    Bounds that are left out stay masks, because the device refuses an end beyond the axis.
    """
    if node.attrs.get("new_axis_mask") or node.attrs.get("ellipsis_mask") or len(node.inputs) < _BOUNDS.stop:
        context.refuse("E202", node, "slices unknown dimensions with new axes or an ellipsis", "give --inputShape")
        return
    build = Composer(context, node)
    bounds = [_bound(context, build, value) for value in node.inputs[_BOUNDS]]
    count = next((value.type.size for value in bounds if value.type.is_static), 0)
    x = node.inputs[0]
    kind = TensorType(x.type.dtype, node.outputs[0].type.shape)
    part = build.op("StridedSlice", [x, *bounds], kind)
    for name in _MASKS:
        build.made[-1].attrs[name] = int(str(node.attrs.get(name) or 0)) & ((1 << count) - 1)
    build.replace(part)


def _bound(context: Context, build: Composer, value: Value) -> Value:
    """One bound for each axis, known or computed."""
    numbers = integers_of(value)
    if numbers is None:
        return shape_argument(context, build.node, [value]) or value
    return build.constant([min(max(number, -_LARGEST), _LARGEST) for number in numbers], DType.INT32)
