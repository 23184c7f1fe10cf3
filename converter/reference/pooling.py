"""Pooling on NHWC images and its gradients."""

from __future__ import annotations

import numpy as np

from converter.reference.activations import fused
from converter.reference.call import Array, Call, Outputs, one
from converter.reference.convolution import Window, same_pads

_SAME, _VALID = 1, 2
_CEIL = 1
_RANK = 4


def _window(call: Call, image: tuple[int, ...]) -> Window:
    """Kernel, strides and pads of a forward pooling; a global one covers the image."""
    if call.flag("global"):
        return Window((image[1], image[2]), (1, 1), (1, 1), (0, 0, 0, 0))
    kernel, stride = call.ints("kernel_size", 2)[-2:], call.ints("strides", 2)[-2:]
    mode = call.integer("pad_mode")
    pads: tuple[int, ...] = (0, 0, 0, 0)
    if mode == _SAME:
        pads = same_pads(image[1], kernel[0], stride[0]) + same_pads(image[2], kernel[1], stride[1])
    elif mode != _VALID and call.has("pad"):
        pads = _rounded(call, call.ints("pad", 4), image, kernel, stride)
    return Window((kernel[0], kernel[1]), (stride[0], stride[1]), (1, 1), (pads[0], pads[1], pads[2], pads[3]))


def _rounded(
    call: Call, pads: tuple[int, ...], image: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]
) -> tuple[int, ...]:
    """Pads with what rounding the size up adds at the end."""
    if call.integer("round_mode") != _CEIL:
        return pads
    grown = list(pads)
    for axis in (0, 1):
        covered = image[1 + axis] + pads[2 * axis] + pads[2 * axis + 1] - kernel[axis]
        grown[2 * axis + 1] += -covered % stride[axis]
    return tuple(grown)


def _checked(call: Call) -> tuple[Array, Window, tuple[int, int]]:
    x = call[0]
    call.demand(x.ndim == _RANK, f"pools images with four axes, not a tensor of rank {x.ndim}")
    window = _window(call, x.shape)
    return x, window, window.output((x.shape[1], x.shape[2]))


def max_pool(call: Call) -> Outputs:
    """MaxPoolFusion(x): the border counts as minus infinity."""
    x, window, size = _checked(call)
    padded = window.pad(x, -np.inf)
    result = np.full((x.shape[0], *size, x.shape[3]), -np.inf, np.float32)
    for _, _, rows, columns in window.taps(size):
        np.maximum(result, padded[:, rows, columns], out=result)
    return one(fused(result, call.integer("activation_type")))


def average_pool(call: Call) -> Outputs:
    """AvgPoolFusion(x): divides by the number of elements inside the image."""
    x, window, size = _checked(call)
    padded, inside = window.pad(x), window.pad(np.ones((1, *x.shape[1:3], 1), np.float32))
    total = np.zeros((x.shape[0], *size, x.shape[3]), np.float32)
    count = np.zeros((1, *size, 1), np.float32)
    for _, _, rows, columns in window.taps(size):
        total += padded[:, rows, columns]
        count += inside[:, rows, columns]
    return one(fused(total / count, call.integer("activation_type")))


def _gradient_window(call: Call) -> tuple[Window, tuple[int, int]]:
    """Gradients know no pad list: pads come from pad_mode SAME only, and the size from y."""
    x, y = call[0], call[1]
    kernel, stride = call.ints("kernel_size", 2)[-2:], call.ints("strides", 2)[-2:]
    pads = (0, 0, 0, 0)
    if call.integer("pad_mode") == _SAME:
        pads = same_pads(x.shape[1], kernel[0], stride[0]) + same_pads(x.shape[2], kernel[1], stride[1])
    return Window((kernel[0], kernel[1]), (stride[0], stride[1]), (1, 1), pads), (y.shape[1], y.shape[2])


def _padded_shape(window: Window, image: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Border after the image so that every window of `size` fits; explicit pads of the forward pass are unknown."""
    need = [(size[i] - 1) * window.stride[i] + window.kernel[i] for i in (0, 1)]
    return tuple(max(0, need[i] - image[1 + i] - window.pads[2 * i]) for i in (0, 1))  # type: ignore[return-value] # two


def max_pool_grad(call: Call) -> Outputs:
    """(x, y, dy): dy goes to the first maximum of each window in row-major order; y is used for its shape only."""
    x, dy = call[0], call[2].reshape(call[1].shape)
    window, size = _gradient_window(call)
    up, left = window.pads[0], window.pads[2]
    down, right = _padded_shape(window, x.shape, size)
    padded = np.pad(x, ((0, 0), (up, down), (left, right), (0, 0)), constant_values=-np.inf)
    best = np.full(dy.shape, -np.inf, np.float32)
    where = np.zeros(dy.shape, np.int32)
    for index, (_, _, rows, columns) in enumerate(window.taps(size)):
        here = padded[:, rows, columns]
        larger = here > best
        best = np.where(larger, here, best)
        where[larger] = index
    grown = np.zeros(padded.shape, np.float32)
    for index, (_, _, rows, columns) in enumerate(window.taps(size)):
        grown[:, rows, columns] += np.where(where == index, dy, np.float32(0))
    return one(grown[:, up : up + x.shape[1], left : left + x.shape[2]])


def average_pool_grad(call: Call) -> Outputs:
    """(x, y, dy): dy spread evenly over its window, divided by the whole window even at the border."""
    x, dy = call[0], call[2].reshape(call[1].shape)
    window, size = _gradient_window(call)
    up, left = window.pads[0], window.pads[2]
    down, right = _padded_shape(window, x.shape, size)
    grown = np.zeros((x.shape[0], x.shape[1] + up + down, x.shape[2] + left + right, x.shape[3]), np.float32)
    share = dy / np.float32(window.kernel[0] * window.kernel[1])
    for _, _, rows, columns in window.taps(size):
        grown[:, rows, columns] += share
    return one(grown[:, up : up + x.shape[1], left : left + x.shape[2]])
