"""Convolutions: channels from the kernel, pads written out as the device wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import wire
from converter.ops.adapters.grouped_convolution import (
    grouped,
    grouped_filter_gradient,
    grouped_input_gradient,
    needs_parts,
    ungrouped_kernel,
)
from converter.ops.lite_fields import defaults

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.context import Context

SAME, VALID = 1, 2
_KERNEL_AXES = slice(2, 4)
_SOME_SIZE = 64


def convolution(context: Context, node: Node) -> None:
    """Forward convolution (x, kernel) -> y."""
    image, kernel = context.ranked(node, node.inputs[0]), context.shape(node, node.inputs[1])
    output = context.ranked(node, node.outputs[0])
    if image and kernel and output:
        _finish(node, image, kernel, output)
        if needs_parts(context, node, image, kernel):
            grouped(context, node, kernel)


def filter_gradient(context: Context, node: Node) -> None:
    """Gradient of the kernel (dy, x, kernel shape) -> dkernel."""
    output, image = (context.shape(node, value) for value in node.inputs[:2])
    kernel = context.shape(node, node.outputs[0])
    if image and kernel and output:
        _finish(node, image, kernel, output)
        if needs_parts(context, node, image, kernel):
            grouped_filter_gradient(context, node, kernel)


def input_gradient(context: Context, node: Node) -> None:
    """Gradient of the image (dy, kernel, image shape) -> dx."""
    output, kernel = (context.shape(node, value) for value in node.inputs[:2])
    image = context.shape(node, node.outputs[0])
    if image and kernel and output:
        _finish(node, image, kernel, output)
        if needs_parts(context, node, image, kernel):
            grouped_input_gradient(context, node, kernel)


def transposed_convolution(context: Context, node: Node) -> None:
    """Conv2DTranspose(x, kernel, shape of y): the gradient of a convolution, which computes the same.

    The device has gradients where it trains only; for inference there is a kernel of its own, without the shape.
    """
    if context.is_training:
        input_gradient(context, node)
        return
    image, kernel = context.ranked(node, node.inputs[0]), context.shape(node, node.inputs[1])
    output = context.ranked(node, node.outputs[0])
    if not (image and kernel and output):
        return
    if min(*image[2:], *output[2:]) < 0:
        if node.attrs.get("pad_mode", 0) not in (SAME, VALID):
            context.shape(node, node.inputs[0])
            return
        image, output = _of_any_size(node, image, kernel, output)
    _finish(node, output, kernel, image)
    strides, dilations, pads = _pair(node, "stride"), _pair(node, "dilation"), _pads(node)
    reach = [(image[axis] - 1) * strides[axis - 2] + (kernel[axis] - 1) * dilations[axis - 2] + 1 for axis in (2, 3)]
    extra = [output[axis] - reach[axis - 2] + sum(pads[2 * axis - 4 : 2 * axis - 2]) for axis in (2, 3)]
    known = {**node.attrs, "pad_list": pads, "pad_mode": 0, "output_paddings": tuple(max(each, 0) for each in extra)}
    known.update(in_channel=kernel[0], out_channel=output[1])
    weight = node.inputs[1]
    if known["group"] != 1 and (known["group"] != kernel[0] or kernel[1] != 1):
        weight = ungrouped_kernel(context, node, kernel)
        known["group"] = 1
    node.op = "Conv2dTransposeFusion"
    node.attrs = {**defaults(node.op), **known}
    wire(node, (node.inputs[0], weight))


def _of_any_size(
    node: Node, image: tuple[int, ...], kernel: tuple[int, ...], output: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes in place of unknown ones: by SAME and VALID the pads are the same for every size."""
    strides, dilations = _pair(node, "stride"), _pair(node, "dilation")
    is_valid = node.attrs.get("pad_mode") == VALID
    reaches = [(width - 1) * dilation + 1 for width, dilation in zip(kernel[2:], dilations, strict=True)]
    more = [max(reach - stride, 0) * is_valid for reach, stride in zip(reaches, strides, strict=True)]
    sizes = [_SOME_SIZE * stride + extra for stride, extra in zip(strides, more, strict=True)]
    return (*image[:2], _SOME_SIZE, _SOME_SIZE), (*output[:2], *sizes)


def _pads(node: Node) -> tuple[int, ...]:
    """The pads (up, down, left, right); zeros where the node has none."""
    value = node.attrs.get("pad_list")
    return tuple(int(str(item)) for item in value) if isinstance(value, tuple) else (0, 0, 0, 0)


def _finish(node: Node, image: tuple[int, ...], kernel: tuple[int, ...], output: tuple[int, ...]) -> None:
    """Channel counts, kernel size, and pads (up, down, left, right)."""
    group = node.attrs.get("group") or 1
    node.attrs["group"] = group
    node.attrs["out_channel"] = kernel[0]
    node.attrs["in_channel"] = kernel[1] * int(str(group))
    node.attrs["kernel_size"] = kernel[_KERNEL_AXES]
    strides, dilations = _pair(node, "stride"), _pair(node, "dilation")
    node.attrs.update(stride=strides, dilation=dilations)
    mode = node.attrs.get("pad_mode", 0)
    if mode == VALID:
        node.attrs["pad_list"] = (0, 0, 0, 0)
    elif mode == SAME:
        totals = [
            _same_pad(size, count, stride, (width - 1) * dilation)
            for size, count, stride, dilation, width in zip(
                image[2:], output[2:], strides, dilations, kernel[2:], strict=True
            )
        ]
        # Where an image of unknown size decides about the pads, the device finds them out by the mode.
        known = [total for total in totals if total is not None]
        halves = tuple(pad for total in known for pad in (total // 2, total - total // 2))
        node.attrs["pad_list"] = halves if len(known) == len(totals) else (0, 0, 0, 0)


def _same_pad(size: int, count: int, stride: int, reach: int) -> int | None:
    """Pads on both sides along an axis of `size` elements that makes `count`; None where that is not known."""
    if size < 0 or count < 0:
        return reach if stride == 1 else None
    return max((count - 1) * stride + reach + 1 - size, 0)


def _pair(node: Node, name: str) -> tuple[int, int]:
    """Height and width of an attribute; (1, 1) when it is absent."""
    value = node.attrs.get(name) or (1, 1)
    listed = value if isinstance(value, tuple) else (value, value)
    return int(str(listed[0])), int(str(listed[-1]))
