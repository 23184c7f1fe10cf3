"""Slices with their masks resolved: the device's gradient kernel ignores them, and negative steps were never tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir import DType, TensorType, Value
from converter.ir.editing import wire
from converter.ops.adapters.shapes import axis_argument, forward
from converter.ops.adapters.unknown_slices import slice_unknown
from converter.ops.compose import Composer
from converter.ops.context import integers_of, literal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node
    from converter.ops.context import Context

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


@dataclass(frozen=True)
class Cut:
    """What a slice takes along one axis: `count` elements from `begin` on, every `stride`-th, possibly backward."""

    begin: int
    count: int
    stride: int
    is_shrunk: bool = False

    @property
    def is_all(self) -> bool:
        """Whether the axis begins at its beginning, in full steps."""
        return self.begin == 0 and self.stride == 1

    def forward(self, size: int) -> Cut:
        """The same elements with a positive stride, of an axis that has been reversed."""
        return Cut(size - 1 - self.begin, self.count, -self.stride, self.is_shrunk) if self.stride < 0 else self


def strided_slice(context: Context, node: Node) -> None:
    """StridedSlice(x, begin, end, strides): all masks but that of shrunken axes become numbers."""
    is_known = node.inputs[0].type.is_static and all(value.is_const for value in node.inputs[1:])
    if not is_known and not context.is_training:
        slice_unknown(context, node)
        return
    cuts = _cuts_of(context, node, node.inputs[0].type.shape, node.inputs[1:])
    result = context.shape(node, node.outputs[0])
    if cuts is None or result is None:
        return
    build = Composer(context, node)
    x = node.inputs[0]
    shape = x.type.shape or ()
    if all(cut.is_all and cut.count == size for cut, size in zip(cuts, shape, strict=True)):
        build.replace(build.reshape(x, result))
        return
    x = _reversed(build, x, cuts)
    cuts = [cut.forward(size) for cut, size in zip(cuts, shape, strict=True)]
    full = tuple(cut.count for cut in cuts)
    shrunk = tuple(count for count, cut in zip(full, cuts, strict=True) if not cut.is_shrunk)
    mask = sum(1 << axis for axis, cut in enumerate(cuts) if cut.is_shrunk) if shrunk == result else 0
    kind = TensorType(x.type.dtype, result if mask else full)
    part = build.op("StridedSlice", [x, *_bounds(build, cuts)], kind, shrink_axis_mask=mask)
    build.replace(build.reshape(part, result))


def strided_slice_grad(context: Context, node: Node) -> None:
    """StridedSliceGrad(dy, shape of x, begin, end, strides) -> dx: dy gets all axes of x first."""
    shape = integers_of(node.inputs[1])
    if shape is None:
        context.refuse("E202", node, "the shape of its result is not a constant", "export the model with fixed shapes")
        return
    cuts = _cuts_of(context, node, shape, node.inputs[2:])
    if cuts is None:
        return
    build = Composer(context, node)
    ahead = [cut.forward(size) for cut, size in zip(cuts, shape, strict=True)]
    dy = build.reshape(node.inputs[0], tuple(cut.count for cut in cuts))
    inputs = [dy, build.constant(list(shape), DType.INT32), *_bounds(build, ahead)]
    dx = build.op("StridedSliceGrad", inputs, TensorType(dy.type.dtype, shape))
    build.replace(_reversed(build, dx, cuts))


def plain_slice(context: Context, node: Node) -> None:
    """Slice(x, begin, size); one that takes a whole part of a Concat is that part."""
    begin, size = (integers_of(value) for value in node.inputs[1:])
    shape = context.shape(node, node.inputs[0])
    if begin is None or size is None or shape is None:
        context.refuse("E202", node, "begin and size of Slice are not constants", "export the model with fixed shapes")
        return
    size = tuple(dim - first if n == -1 else n for dim, first, n in zip(shape, begin, size, strict=True))
    part = _part(node.inputs[0], begin, size)
    if part is not None:
        forward(context, node, part)
        return
    node.attrs["axes"] = tuple(range(len(begin)))
    wire(node, [node.inputs[0], axis_argument(begin), axis_argument(size)])


def _part(x: Value, begin: Sequence[int], size: Sequence[int]) -> Value | None:
    """The input of the Concat that made `x` which a slice takes, if it takes exactly one."""
    maker = x.producer
    if maker is None or maker.op != "Concat":
        return None
    axis, start = int(str(maker.attrs["axis"])), 0
    for value in maker.inputs:
        shape = value.type.shape or ()
        if shape == tuple(size) and all(first == (start if i == axis else 0) for i, first in enumerate(begin)):
            return value
        start += shape[axis]
    return None


def _cuts_of(
    context: Context, node: Node, shape: tuple[int, ...] | None, arguments: Sequence[Value]
) -> list[Cut] | None:
    """The cuts of a strided slice along every axis; None, and a problem, where they are not known."""
    begin, end, strides = (integers_of(value) for value in arguments)
    if begin is None or end is None or strides is None or shape is None or None in map(literal_of, arguments):
        context.refuse(
            "E202", node, f"the bounds of {node.origin.op} are not constants", "export the model with fixed shapes"
        )
        return None
    masks = [int(str(node.attrs.get(name, 0))) for name in MASKS]
    return cuts_of(shape, list(zip(begin, end, strides, strict=True)), *masks)


def cuts_of(
    shape: tuple[int, ...],
    bounds: list[tuple[int, int, int]],
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> list[Cut]:
    """The cut along every axis of `shape`, from bounds (begin, end, stride) with a bit in each mask for each.

    A bit of `ellipsis_mask` stands for all axes that have no bounds, one of `new_axis_mask` for no axis of `shape`.
    """
    cuts: list[Cut] = []
    for place, (begin, end, stride) in enumerate(bounds):
        bit = 1 << place
        if ellipsis_mask & bit:
            later = sum(not new_axis_mask >> k & 1 for k in range(place + 1, len(bounds)))
            cuts += [Cut(0, size, 1) for size in shape[len(cuts) : len(shape) - later]]
        elif not new_axis_mask & bit:
            size = shape[len(cuts)]
            if shrink_axis_mask & bit:
                cuts.append(Cut(begin % size, 1, 1, is_shrunk=True))
                continue
            bounded = slice(None if begin_mask & bit else begin, None if end_mask & bit else end, stride)
            taken = range(*bounded.indices(size))
            cuts.append(Cut(taken.start, len(taken), stride))
    return cuts + [Cut(0, size, 1) for size in shape[len(cuts) :]]


def _bounds(build: Composer, cuts: Sequence[Cut]) -> list[Value]:
    """begin, end and strides of cuts whose strides are positive."""
    begin = [cut.begin for cut in cuts]
    end = [cut.begin + (cut.count - 1) * cut.stride + 1 for cut in cuts]
    return [build.constant(numbers, DType.INT32) for numbers in (begin, end, [cut.stride for cut in cuts])]


def _reversed(build: Composer, x: Value, cuts: Sequence[Cut]) -> Value:
    """`x` with those axes reversed that are taken backward."""
    axes = tuple(axis for axis, cut in enumerate(cuts) if cut.stride < 0)
    return build.op("ReverseV2", [x], axis=axes) if axes else x
