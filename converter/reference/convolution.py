"""Convolutions and their gradients on NHWC images, with weights [out, kh, kw, in / group]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from converter.ir import Layout
from converter.reference.activations import fused
from converter.reference.call import Array, Call, Outputs, one
from converter.reference.matmul import rounded_once

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAME, _VALID = 1, 2
_RANK = 4
_BIAS = 2
# Elements of the unfolded image that are held at once; 64 MB of float32.
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Window:
    """How a kernel moves over an image: sizes, strides and dilations as (h, w), pads as (up, down, left, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]

    def extent(self, axis: int) -> int:
        """Pixels from the first to the last tap."""
        return (self.kernel[axis] - 1) * self.dilation[axis] + 1

    def output(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the result for an image of this height and width."""
        up, down, left, right = self.pads
        padded = (size[0] + up + down, size[1] + left + right)
        return tuple((padded[i] - self.extent(i)) // self.stride[i] + 1 for i in (0, 1))  # type: ignore[return-value] # two

    def pad(self, image: Array, value: float = 0.0) -> Array:
        """The image [N, H, W, C] with its border."""
        up, down, left, right = self.pads
        if not any(self.pads):
            return image
        return np.pad(image, ((0, 0), (up, down), (left, right), (0, 0)), constant_values=value)

    def taps(self, size: tuple[int, int]) -> Iterator[tuple[int, int, slice, slice]]:
        """Per kernel position: row, column, and the slices of the padded image that it sees for a result of `size`."""
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield i, j, self._slice(0, i, size[0]), self._slice(1, j, size[1])

    def _slice(self, axis: int, tap: int, count: int) -> slice:
        start = tap * self.dilation[axis]
        return slice(start, start + (count - 1) * self.stride[axis] + 1, self.stride[axis])

    def unfold(self, padded: Array, size: tuple[int, int]) -> Array:
        """All patches of a padded image as rows [N * oh * ow, kh * kw * C]."""
        extent = (self.extent(0), self.extent(1))
        view = sliding_window_view(padded, extent, axis=(1, 2))
        view = view[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        rows = view[:, : size[0], : size[1]].transpose(0, 1, 2, 4, 5, 3)
        return np.ascontiguousarray(rows).reshape(-1, self.kernel[0] * self.kernel[1] * padded.shape[3])

    def fold(self, rows: Array, image: tuple[int, ...], size: tuple[int, int]) -> Array:
        """Add patches [N, oh, ow, kh, kw, C] up to an image of shape [N, H, W, C]: the adjoint of `unfold`."""
        up, down, left, right = self.pads
        n, height, width, channels = image
        padded = np.zeros((n, height + up + down, width + left + right, channels), np.float32)
        for i, j, down_slice, across in self.taps(size):
            padded[:, down_slice, across] += rows[:, :, :, i, j]
        return padded[:, up : up + height, left : left + width]


def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Pads before and after for an output of ceil(size / stride); the odd one goes after."""
    count = -(-size // stride)
    total = max(0, (count - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return total // 2, total - total // 2


def conv2d(call: Call) -> Outputs:
    """Conv2DFusion(x, weight[, bias]); a constant bias, and the weight of a grouped one, are copied at compile time."""
    x, weight = call[0], call[1]
    call.demand(x.ndim == _RANK and weight.ndim == _RANK, "needs an image and a weight with four axes")
    group = max(call.integer("group"), 1)
    window = _forward_window(call, x, weight)
    if call.has("kernel_size"):
        sizes = call.ints("kernel_size", 2)[-2:]
        call.demand(sizes == window.kernel, f"has kernel_size {sizes}, its weight {window.kernel}")
    fits = x.shape[3] == weight.shape[3] * group and not weight.shape[0] % group
    call.demand(fits, f"has {x.shape[3]} input channels, its weight {weight.shape[3]} in {group} groups")
    depthwise = group == x.shape[3] == weight.shape[0]
    if group > 1 and not depthwise:
        _refuse_grouped(call)
    result = forward(x, weight, window, group)
    if len(call.inputs) > _BIAS:
        result = result + call.frozen(_BIAS).reshape(-1)
    return one(fused(result, call.integer("activation_type")))


def _refuse_grouped(call: Call) -> None:
    """A grouped kernel gets no workspace in a training session and crashes; inference runs it."""
    if call.is_training:
        hint = "split it into one convolution per group, or mask a dense one"
        raise call.refuse("is a grouped convolution that trains: the device crashes", hint)


def _forward_window(call: Call, x: Array, weight: Array) -> Window:
    stride = call.ints("stride", 2)[-2:]
    dilation = call.ints("dilation", 2)[-2:]
    kernel = weight.shape[1], weight.shape[2]
    mode = call.integer("pad_mode")
    if mode == _SAME:
        rows = same_pads(x.shape[1], kernel[0], stride[0], dilation[0])
        columns = same_pads(x.shape[2], kernel[1], stride[1], dilation[1])
        pads = rows + columns
    elif mode == _VALID or not call.has("pad_list"):
        pads = (0, 0, 0, 0)
    else:
        pads = _four(call.ints("pad_list", 4))
    return Window(kernel, _two(stride), _two(dilation), pads)


def forward(x: Array, weight: Array, window: Window, group: int = 1) -> Array:
    """Convolution of [N, H, W, C] with [out, kh, kw, C / group]."""
    size = window.output((x.shape[1], x.shape[2]))
    if group == x.shape[3] == weight.shape[0] and group > 1:
        return _depthwise(window.pad(x), weight, window, size)
    if group > 1:
        xs, ws = np.split(x, group, axis=3), np.split(weight, group)
        return np.concatenate([forward(a, b, window) for a, b in zip(xs, ws, strict=True)], axis=3)
    flat = weight.reshape(weight.shape[0], -1).T
    padded = window.pad(x)
    parts = [rounded_once(window.unfold(padded[rows], size), flat) for rows in _chunks(x, window, size)]
    result = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.asarray(result.reshape(x.shape[0], *size, weight.shape[0]))


def _chunks(x: Array, window: Window, size: tuple[int, int]) -> Iterator[slice]:
    """Ranges of images whose patches fit into the work space."""
    patch = size[0] * size[1] * window.kernel[0] * window.kernel[1] * x.shape[3]
    count = max(1, _CHUNK // max(patch, 1))
    for start in range(0, x.shape[0], count):
        yield slice(start, start + count)


def _depthwise(padded: Array, weight: Array, window: Window, size: tuple[int, int]) -> Array:
    result = np.zeros((padded.shape[0], *size, weight.shape[0]), np.float32)
    for i, j, rows, columns in window.taps(size):
        result += padded[:, rows, columns] * weight[:, i, j, 0]
    return result


def input_gradient(dy: Array, weight: Array, window: Window, image: tuple[int, ...], group: int = 1) -> Array:
    """Gradient for an image of shape [N, H, W, C]: the adjoint of `forward` in its first argument."""
    size = dy.shape[1], dy.shape[2]
    if group > 1 and group == image[3] == weight.shape[0]:
        rows = dy[:, :, :, None, None, :] * weight[..., 0].transpose(1, 2, 0)
        return window.fold(rows, image, size)
    if group > 1:
        part = (*image[:3], image[3] // group)
        pairs = zip(np.split(dy, group, axis=3), np.split(weight, group), strict=True)
        return np.concatenate([input_gradient(d, w, window, part) for d, w in pairs], axis=3)
    flat = weight.reshape(weight.shape[0], -1)
    result = np.empty(image, np.float32)
    for chunk in _chunks(result, window, size):
        rows = rounded_once(dy[chunk].reshape(-1, dy.shape[3]), flat)
        taps = rows.reshape(-1, *size, *window.kernel, image[3])
        result[chunk] = window.fold(taps, (taps.shape[0], *image[1:]), size)
    return result


def filter_gradient(dy: Array, x: Array, window: Window, group: int = 1) -> Array:
    """Gradient for a weight [out, kh, kw, C / group]: the adjoint of `forward` in its second argument."""
    size = dy.shape[1], dy.shape[2]
    if group > 1 and group == x.shape[3] == dy.shape[3]:
        padded = window.pad(x)
        result = np.empty((group, *window.kernel, 1), np.float32)
        for i, j, rows, columns in window.taps(size):
            result[:, i, j, 0] = np.einsum("nhwc,nhwc->c", dy, padded[:, rows, columns])
        return result
    if group > 1:
        pairs = zip(np.split(dy, group, axis=3), np.split(x, group, axis=3), strict=True)
        return np.concatenate([filter_gradient(d, part, window) for d, part in pairs])
    padded = window.pad(x)
    flat = np.zeros((dy.shape[3], window.kernel[0] * window.kernel[1] * x.shape[3]), np.float32)
    for chunk in _chunks(x, window, size):
        flat += dy[chunk].reshape(-1, dy.shape[3]).T @ window.unfold(padded[chunk], size)
    return flat.reshape(dy.shape[3], *window.kernel, x.shape[3])


def filter_grad_kernel(call: Call) -> Outputs:
    """Conv2DBackpropFilterFusion(dy, x, filter shape) -> [out, kh, kw, in / group]."""
    dy, x = call[0], call[1]
    group = max(call.integer("group"), 1)
    out, kh, kw, channels = _image_shape(call, 2)
    window = _backward_window(call, (kh, kw))
    _check_fit(call, window, x.shape, dy.shape)
    call.demand(
        channels * group == x.shape[3] and out == dy.shape[3], "has a filter shape that does not fit its inputs"
    )
    return one(filter_gradient(dy, x, window, group))


def input_grad_kernel(call: Call) -> Outputs:
    """Conv2DBackpropInputFusion(dy, weight, input shape) -> [N, H, W, C]."""
    dy, weight = call[0], call[1]
    image = _image_shape(call, 2)
    window = _backward_window(call, (weight.shape[1], weight.shape[2]))
    _check_fit(call, window, image, dy.shape)
    return one(input_gradient(dy, weight, window, image, max(call.integer("group"), 1)))


def _check_fit(call: Call, window: Window, image: tuple[int, ...], dy: tuple[int, ...]) -> None:
    """The windows must lie inside the padded image; the device takes their number from dy."""
    up, down, left, right = window.pads
    room = image[1] + up + down, image[2] + left + right
    used = [(dy[1 + axis] - 1) * window.stride[axis] + window.extent(axis) for axis in (0, 1)]
    call.demand(
        used[0] <= room[0] and used[1] <= room[1], f"reads {used} of an image that is {list(room)} with its pads"
    )


def _image_shape(call: Call, index: int) -> tuple[int, int, int, int]:
    """The constant shape at an input in NHWC order: numbers in a NCHW tensor are permuted, others taken as they are."""
    value = call.node.inputs[index] if index < len(call.inputs) else None
    if value is None or not value.is_const:
        raise call.refuse("needs its shape as a constant third input")
    a, b, c, d = call.numbers(index)
    return (a, b, c, d) if value.layout in (Layout.NHWC, Layout.KHWC) else (a, c, d, b)


def _backward_window(call: Call, kernel: tuple[int, int]) -> Window:
    """Gradients take the last two strides but the first two dilations, and always the pad list."""
    sizes = call.ints("kernel_size", 2)
    call.demand(sizes[:2] == kernel, f"has kernel_size {sizes}, its filter {kernel}")
    stride, dilation = call.ints("stride", 2)[-2:], call.ints("dilation", 2)[:2]
    return Window(kernel, _two(stride), _two(dilation), _four(call.ints("pad_list", 4)))


def conv2d_transpose(call: Call) -> Outputs:
    """Conv2dTransposeFusion(x, weight [in, kh, kw, out / group][, bias])."""
    x, weight = call[0], call[1]
    group = max(call.integer("group"), 1)
    call.demand(group == 1 or (group == x.shape[3] and weight.shape[3] == 1), f"has {group} groups of several channels")
    stride, dilation = call.ints("stride", 2)[-2:], call.ints("dilation", 2)[-2:]
    mode = call.integer("pad_mode")
    extent = [(weight.shape[1 + i] - 1) * dilation[i] + 1 for i in (0, 1)]
    if mode == _SAME:
        size = [x.shape[1 + i] * stride[i] for i in (0, 1)]
        totals = [max(0, (x.shape[1 + i] - 1) * stride[i] + extent[i] - size[i]) for i in (0, 1)]
        pads = (totals[0] // 2, totals[0] - totals[0] // 2, totals[1] // 2, totals[1] - totals[1] // 2)
    else:
        pads = _four(call.ints("pad_list", 4)) if mode != _VALID and call.has("pad_list") else (0, 0, 0, 0)
        extra = call.ints("output_paddings", 2) if call.has("output_paddings") else (0, 0)
        size = [(x.shape[1 + i] - 1) * stride[i] + extent[i] - pads[2 * i] - pads[2 * i + 1] + extra[i] for i in (0, 1)]
    window = Window((weight.shape[1], weight.shape[2]), _two(stride), _two(dilation), pads)
    image = (x.shape[0], size[0], size[1], weight.shape[3] * group)
    result = input_gradient(x, weight, window, image, group)
    if len(call.inputs) > _BIAS:
        result = result + call.frozen(_BIAS).reshape(-1)
    return one(fused(result, call.integer("activation_type")))


def _two(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def _four(values: tuple[int, ...]) -> tuple[int, int, int, int]:
    return values[0], values[1], values[2], values[3]
