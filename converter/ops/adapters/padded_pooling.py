"""Pooling with explicit pads, which MindSpore writes as pooling of volumes that are one image deep.

The device's gradients know no pads. A maximum pads the image itself, with the least number there is; a mean is a
convolution of every channel with a constant kernel, whose pads the device knows both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, TensorType, Value
from converter.ops.adapters.pooling import integers
from converter.ops.compose import Composer
from converter.ops.layouts import RANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Attr, Node
    from converter.ops.context import Context

_VALID = 2
_LOWEST = float(np.finfo(np.float32).min)
_RESHAPES = ("ExpandDims", "Reshape", "Squeeze")
_VOLUME_RANK = 5


@dataclass
class _Pooling:
    """Images [N, C, H, W] and results [N, C, h, w], with kernel, steps, and pads (up, down, left, right)."""

    context: Context
    build: Composer
    image: tuple[int, ...]
    result: tuple[int, ...]
    kernel: tuple[int, ...]
    steps: tuple[int, ...]
    pads: tuple[int, ...]

    def flat(self, volume: Value, shape: Sequence[int]) -> Value:
        """The images of a volume; those that it was made of where they are at hand."""
        maker = volume.producer
        if maker is not None and maker.op in _RESHAPES and maker.inputs[0].type.shape == tuple(shape):
            return maker.inputs[0]
        return self.build.reshape(volume, shape)

    def deep(self, images: Value, volume: Value) -> Value:
        """The volume again; readers that make images of it read these."""
        for user in list(dict.fromkeys(volume.users)):
            if user.op in _RESHAPES and user.outputs[0].type.shape == images.type.shape:
                Composer(self.context, user).replace(images)
        return self.build.reshape(images, volume.type.shape or ())

    def padded(self) -> tuple[int, ...]:
        """Shape of the images with their border."""
        n, channels, height, width = self.image
        return (n, channels, height + sum(self.pads[:2]), width + sum(self.pads[2:]))

    def kind(self, shape: Sequence[int]) -> TensorType:
        """A float32 type."""
        return TensorType(DType.FLOAT32, tuple(shape))

    def window(self) -> dict[str, Attr]:
        """Attributes of a pooling of the padded images."""
        return {"kernel_size": self.kernel, "strides": self.steps, "pad_mode": _VALID, "format": 1}

    def mean_attributes(self) -> dict[str, Attr]:
        """Attributes of the convolution that takes means."""
        return {
            "kernel_size": self.kernel,
            "stride": self.steps,
            "dilation": (1, 1),
            "pad_mode": 0,
            "pad_list": self.pads,
            "group": self.image[1],
            "in_channel": self.image[1],
            "out_channel": self.image[1],
            "format": 1,
            "mode": 1,
        }

    def mean_kernel(self, divisor: int) -> Value:
        """1 / divisor everywhere."""
        share = 1 / (divisor or self.kernel[0] * self.kernel[1])
        return self.build.constant(np.full((self.image[1], 1, *self.kernel), share))

    def share_of_inside(self) -> Value:
        """Elements of a window by those of them that are no border: [1, 1, h, w]."""
        counts = []
        for axis in (0, 1):
            starts = np.arange(self.result[2 + axis]) * self.steps[axis] - self.pads[2 * axis]
            ends = np.minimum(starts + self.kernel[axis], self.image[2 + axis])
            counts.append(self.kernel[axis] / (ends - np.maximum(starts, 0)))
        return self.build.constant(np.multiply.outer(*counts)[None, None])


def max_pool_volume(context: Context, node: Node) -> None:
    """MaxPool3DWithArgmax(x) -> (y, argmax); in place of the argmax the gradient gets the padded images."""
    work = _pooling(context, node, node.inputs[0], node.outputs[0])
    if work is None:
        return
    build, image = work.build, work.flat(node.inputs[0], work.image)
    padded = image
    if any(work.pads):
        pairs = build.constant([(0, 0), (0, 0), work.pads[:2], work.pads[2:]], DType.INT32)
        padded = build.op("PadFusion", [image, pairs], work.kind(work.padded()), constant_value=_LOWEST)
    pooled = build.op("MaxPoolFusion", [padded], work.kind(work.result), name="", **work.window())
    build.replace(work.deep(pooled, node.outputs[0]), padded)


def max_pool_volume_gradient(context: Context, node: Node) -> None:
    """MaxPool3DGradWithArgmax(x, dy, padded images) -> dx."""
    work = _pooling(context, node, node.inputs[0], node.inputs[1])
    if work is None:
        return
    build, padded = work.build, node.inputs[2]
    if padded.type.shape != work.padded():
        context.refuse("E202", node, "is the gradient of a pooling that was not converted")
        return
    dy = work.flat(node.inputs[1], work.result)
    change = build.op("MaxPoolGrad", [padded, dy, dy], padded.type, name="", **work.window())
    if any(work.pads):
        begin, size = (build.constant(each, DType.INT32) for each in ([0, 0, *work.pads[::2]], list(work.image)))
        change = build.op("SliceFusion", [change, begin, size], work.kind(work.image), axes=tuple(range(RANK)))
    build.replace(work.deep(change, node.outputs[0]))


def average_pool_volume(context: Context, node: Node) -> None:
    """AvgPool3D(x) -> y."""
    work = _pooling(context, node, node.inputs[0], node.outputs[0])
    if work is None:
        return
    build, image = work.build, work.flat(node.inputs[0], work.image)
    inputs = [image, work.mean_kernel(_divisor(node))]
    mean = build.op("Conv2DFusion", inputs, work.kind(work.result), name="", **work.mean_attributes())
    if not (node.attrs.get("count_include_pad") or _divisor(node)):
        mean = build.mul(mean, work.share_of_inside())
    build.replace(work.deep(mean, node.outputs[0]))


def average_pool_volume_gradient(context: Context, node: Node) -> None:
    """AvgPool3DGrad(shape of x, dy) -> dx."""
    work = _pooling(context, node, node.outputs[0], node.inputs[1])
    if work is None:
        return
    build, dy = work.build, work.flat(node.inputs[1], work.result)
    if not (node.attrs.get("count_include_pad") or _divisor(node)):
        dy = build.mul(dy, work.share_of_inside())
    inputs = [dy, work.mean_kernel(_divisor(node)), build.constant(list(work.image), DType.INT32)]
    kind = work.kind(work.image)
    change = build.op("Conv2DBackpropInputFusion", inputs, kind, name="", **work.mean_attributes())
    build.replace(work.deep(change, node.outputs[0]))


def _divisor(node: Node) -> int:
    """What sums are divided by instead of the size of the window; 0 when it is not said."""
    value = node.attrs.get("divisor_override")
    return value if isinstance(value, int) else 0


def _pooling(context: Context, node: Node, image: Value, result: Value) -> _Pooling | None:
    """What the node says about its pooling; None, and a problem, when it cannot be converted."""
    volume, pooled = context.shape(node, image), context.shape(node, result)
    if volume is None or pooled is None:
        return None
    kernel, steps = integers(node, "kernel_size")[-3:], integers(node, "strides")[-3:]
    pads, gaps = integers(node, "pad_list"), integers(node, "dilation")
    pads = tuple(pad for pad in pads for _ in (0, 1)) if len(pads) == len(kernel) else pads
    is_flat = len(volume) == _VOLUME_RANK and volume[2] == pooled[2] == 1 and len(pads) == 2 * len(kernel)
    if not is_flat or kernel[0] != 1 or any(pads[:2]) or set(gaps) > {1} or node.attrs.get("pad_mode", 0) != 0:
        hint = "pool images, with dilation 1"
        context.refuse("E202", node, "pools a volume, which cannot be converted", hint)
        return None
    reach = [(pooled[2 + axis] - 1) * steps[axis] + kernel[axis] for axis in (1, 2)]
    if any(reach[axis] > volume[3 + axis] + sum(pads[2 + 2 * axis : 4 + 2 * axis]) for axis in (0, 1)):
        hint = "use ceil_mode=False, or pad the image yourself"
        context.refuse("E202", node, "pools beyond the border (ceil_mode=True), which cannot be converted", hint)
        return None
    four, small = (*volume[:2], *volume[3:]), (*pooled[:2], *pooled[3:])
    return _Pooling(context, Composer(context, node), four, small, kernel[1:], steps[1:], pads[2:])
