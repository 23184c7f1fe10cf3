"""Convolutions of volumes, for which the device has no kernel, as convolutions of images.

Each image of the result sees several images of the volume: those at its taps along the depth. Put side by side as
channels they are one image, and the kernel with its depth and channels joined is that of an ordinary convolution:

    [N, C, D, H, W] -> [N * D', kd * C, H, W]        [O, C, kd, kh, kw] -> [O, kd * C, kh, kw]

All of it is done with the channels last, as the device stores images, so the layout costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir import DType, TensorType
from converter.ops.adapters.pooling import integers
from converter.ops.compose import Composer
from converter.ops.layouts import TO_NCHW, TO_NHWC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Attr, Node, Value
    from converter.ops.context import Context

_AXES = 3
_SAME = 1
_LAST, _FIRST = (0, 2, 3, 4, 1), (0, 4, 1, 2, 3)
_KERNEL_LAST, _KERNEL_FIRST = (0, 3, 4, 2, 1), (0, 4, 3, 1, 2)


@dataclass
class _Volumes:
    """One convolution: shapes [N, C, D, H, W], kernel [O, C, kd, kh, kw], and steps, gaps and pads by axis."""

    build: Composer
    volume: tuple[int, ...]
    kernel: tuple[int, ...]
    result: tuple[int, ...]
    steps: tuple[int, ...]
    gaps: tuple[int, ...]
    pads: tuple[int, ...]

    @property
    def stacked(self) -> tuple[int, ...]:
        """Shape of the volume as images: [N * D', kd * C, H, W]."""
        n, channels, _, height, width = self.volume
        return (n * self.result[2], self.kernel[2] * channels, height, width)

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of the volume by images, channels last, with its border: [N, D + pads, H * W, C]."""
        n, channels, depth, height, width = self.volume
        return (n, depth + self.pads[0] + self.pads[1], height * width, channels)

    def tap(self, place: int) -> tuple[list[int], list[int], list[int]]:
        """Begin, end and stride of the images at one tap along the depth."""
        n, _, pixels, channels = self.padded
        begin = place * self.gaps[0]
        end = begin + (self.result[2] - 1) * self.steps[0] + 1
        return [0, begin, 0, 0], [n, end, pixels, channels], [1, self.steps[0], 1, 1]

    def numbers(self, *lists: Sequence[int]) -> list[Value]:
        """Lists as arguments."""
        return [self.build.constant(list(each), DType.INT32) for each in lists]

    def stack(self, x: Value) -> Value:
        """A volume as images."""
        build, (n, channels, depth, height, width) = self.build, self.volume
        view = build.reshape(build.transpose(x, _LAST), (n, depth, height * width, channels))
        if any(self.pads[:2]):
            widths = build.constant([(0, 0), self.pads[:2], (0, 0), (0, 0)], DType.INT32)
            view = build.op("PadFusion", [view, widths], TensorType(x.type.dtype, self.padded))
        kind = TensorType(x.type.dtype, (n, self.result[2], height * width, channels))
        taps = [
            build.op("StridedSlice", [view, *self.numbers(*self.tap(place))], kind) for place in range(self.kernel[2])
        ]
        if len(taps) > 1:
            shape = (*(kind.shape or ())[:-1], self.stacked[1])
            taps = [build.op("Concat", taps, TensorType(kind.dtype, shape), axis=3)]
        rows, joined, *size = self.stacked
        return build.transpose(build.reshape(taps[0], (rows, *size, joined)), TO_NCHW)

    def unstack(self, images: Value) -> Value:
        """The adjoint of `stack`: every image added to where its taps came from."""
        build, (n, channels, depth, height, width) = self.build, self.volume
        view = build.reshape(build.transpose(images, TO_NHWC), (n, self.result[2], height * width, self.stacked[1]))
        count = self.kernel[2]
        part = TensorType(view.type.dtype, (n, self.result[2], height * width, channels))
        parts = [view]
        if count > 1:
            sizes = (channels,) * count
            parts = list(build.ops("Split", [view], [part] * count, axis=3, output_num=count, size_splits=sizes))
        whole = TensorType(view.type.dtype, self.padded)
        spread = [
            build.op("StridedSliceGrad", [each, *self.numbers(self.padded, *self.tap(place))], whole)
            for place, each in enumerate(parts)
        ]
        total = build.op("AddN", spread) if count > 1 else spread[0]
        if any(self.pads[:2]):
            begin, size = [0, self.pads[0], 0, 0], [n, depth, height * width, channels]
            inside = TensorType(whole.dtype, tuple(size))
            total = build.op("SliceFusion", [total, *self.numbers(begin, size)], inside, axes=(0, 1, 2, 3))
        return build.transpose(build.reshape(total, (n, depth, height, width, channels)), _FIRST)

    def flat_kernel(self, weight: Value) -> Value:
        """[O, kd * C, kh, kw]."""
        out, channels, deep, height, width = self.kernel
        last = self.build.transpose(weight, _KERNEL_LAST)
        return self.build.transpose(self.build.reshape(last, (out, height, width, deep * channels)), TO_NCHW)

    def deep_kernel(self, flat: Value) -> Value:
        """[O, C, kd, kh, kw] again."""
        out, channels, deep, height, width = self.kernel
        last = self.build.reshape(self.build.transpose(flat, TO_NHWC), (out, height, width, deep, channels))
        return self.build.transpose(last, _KERNEL_FIRST)

    def images(self, y: Value) -> Value:
        """A result as images [N * D', O, H', W']."""
        n, out, depth, height, width = self.result
        last = self.build.reshape(self.build.transpose(y, _LAST), (n * depth, height, width, out))
        return self.build.transpose(last, TO_NCHW)

    def volumes(self, images: Value) -> Value:
        """Images as a result [N, O, D', H', W']."""
        n, out, depth, height, width = self.result
        last = self.build.reshape(self.build.transpose(images, TO_NHWC), (n, depth, height, width, out))
        return self.build.transpose(last, _FIRST)

    def convolve(self, op: str, inputs: Sequence[Value], shape: Sequence[int], *, is_gradient: bool = False) -> Value:
        """An ordinary convolution, or a gradient, which names the shape that it makes."""
        attrs: dict[str, Attr] = {
            "format": 1,
            "group": 1,
            "mode": 1,
            "pad_mode": 0,
            "pad_list": self.pads[2:],
            "stride": self.steps[1:],
            "dilation": self.gaps[1:],
            "kernel_size": self.kernel[3:],
            "in_channel": self.stacked[1],
            "out_channel": self.kernel[0],
        }
        kind = TensorType(inputs[0].type.dtype, tuple(shape))
        return self.build.op(op, [*inputs, *self.numbers(*[shape] * is_gradient)], kind, name="", **attrs)


def convolution_3d(context: Context, node: Node) -> None:
    """Conv3D(x, kernel) -> y."""
    x, weight = node.inputs
    work = _volumes(context, node, x, weight, node.outputs[0])
    if work is not None:
        shape = (work.stacked[0], work.kernel[0], *work.result[3:])
        work.build.replace(
            work.volumes(work.convolve("Conv2DFusion", [work.stack(x), work.flat_kernel(weight)], shape))
        )


def filter_gradient_3d(context: Context, node: Node) -> None:
    """Conv3DBackpropFilter(x, dy, kernel shape) -> dkernel."""
    x, dy = node.inputs[:2]
    work = _volumes(context, node, x, node.outputs[0], dy)
    if work is not None:
        shape = (work.kernel[0], work.stacked[1], *work.kernel[3:])
        inputs = [work.images(dy), work.stack(x)]
        flat = work.convolve("Conv2DBackpropFilterFusion", inputs, shape, is_gradient=True)
        work.build.replace(work.deep_kernel(flat))


def input_gradient_3d(context: Context, node: Node) -> None:
    """Conv3DBackpropInput(kernel, dy, shape of x) -> dx."""
    weight, dy = node.inputs[:2]
    work = _volumes(context, node, node.outputs[0], weight, dy)
    if work is not None:
        inputs = [work.images(dy), work.flat_kernel(weight)]
        flat = work.convolve("Conv2DBackpropInputFusion", inputs, work.stacked, is_gradient=True)
        work.build.replace(work.unstack(flat))


def _volumes(context: Context, node: Node, x: Value, weight: Value, y: Value) -> _Volumes | None:
    """What the node says about its convolution; None, and a problem, when it cannot be converted."""
    volume, kernel, result = (context.shape(node, value) for value in (x, weight, y))
    if volume is None or kernel is None or result is None:
        return None
    if kernel[1] != volume[1]:
        context.refuse("E202", node, "convolves volumes in groups of channels, which cannot be converted")
        return None
    steps, gaps = (integers(node, name)[-_AXES:] or (1,) * _AXES for name in ("stride", "dilation"))
    pads = integers(node, "pad_list")
    if node.attrs.get("pad_mode") != 0:
        computed = _computed_pads(node, (volume, kernel, result), steps, gaps)
        is_known = len(pads) == len(computed) and _totals(pads) == _totals(computed)
        pads = pads if is_known else computed
    return _Volumes(Composer(context, node), volume, kernel, result, steps, gaps, pads)


def _computed_pads(
    node: Node, shapes: tuple[tuple[int, ...], ...], steps: tuple[int, ...], gaps: tuple[int, ...]
) -> tuple[int, ...]:
    """Pads before and after every axis for SAME; none for VALID."""
    volume, kernel, result = shapes
    pads: list[int] = []
    for axis in range(_AXES):
        reach = (result[2 + axis] - 1) * steps[axis] + (kernel[2 + axis] - 1) * gaps[axis] + 1
        total = max(reach - volume[2 + axis], 0) if node.attrs.get("pad_mode") == _SAME else 0
        pads += [total // 2, total - total // 2]
    return tuple(pads)


def _totals(pads: tuple[int, ...]) -> list[int]:
    """Pads per axis."""
    return [before + after for before, after in zip(pads[::2], pads[1::2], strict=True)]
