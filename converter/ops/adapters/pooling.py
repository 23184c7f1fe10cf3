"""Pooling, and the corrections that its gradients need on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import DType
from converter.ir.editing import set_input
from converter.ops.compose import Composer
from converter.ops.context import integers_of
from converter.ops.layouts import RANK

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

    Array = np.ndarray[Any, np.dtype[Any]]

SAME = 1
_SIZES = slice(2, 4)


def pool(context: Context, node: Node) -> None:
    """Pooling and its gradients take their pads from pad_mode; explicit ones exist in the forward kernels only."""
    if node.attrs.get("pad_mode") == 0:
        context.refuse(
            "E202", node, f"{node.origin.op}.pad_mode='pad' cannot be converted; only 'same' and 'valid' can"
        )


def average_pool_gradient(context: Context, node: Node) -> None:
    """AvgPoolGrad(x, y, dy): the kernel divides by the whole window even at the border, so dy makes up for it."""
    pool(context, node)
    image, result = (context.shape(node, value) for value in node.inputs[:2])
    if image is None or result is None or node.attrs.get("pad_mode") != SAME:
        return
    kernel, strides = integers(node, "kernel_size"), integers(node, "strides")
    inside = [_counts(image[2 + axis], result[2 + axis], kernel[axis], strides[axis]) for axis in range(len(kernel))]
    share = np.multiply.outer(*[size / counts for size, counts in zip(kernel, inside, strict=True)])
    if (share == 1).all():
        return
    build = Composer(context, node)
    scaled = build.mul(node.inputs[2], build.constant(share.reshape(1, 1, *share.shape)))
    build.insert()
    set_input(node, 2, scaled)


def integers(node: Node, name: str) -> tuple[int, ...]:
    """An attribute that is a list of integers."""
    value = node.attrs.get(name)
    return tuple(int(str(item)) for item in value) if isinstance(value, tuple) else ()


def _counts(size: int, count: int, kernel: int, stride: int) -> Array:
    """Elements inside the image for each window along an axis, with the pads of SAME."""
    total = max((count - 1) * stride + kernel - size, 0)
    starts = np.arange(count) * stride - total // 2
    return np.asarray(np.minimum(starts + kernel, size) - np.maximum(starts, 0))


def adaptive_average_pool(context: Context, node: Node) -> None:
    """AdaptiveAvgPool2D(x): a mean over the image, a pooling where windows are alike, else a product with a matrix."""
    image, result = context.ranked(node, node.inputs[0]), context.ranked(node, node.outputs[0])
    if image is None or result is None:
        return
    build = Composer(context, node)
    if len(image) != RANK:
        context.refuse("E202", node, f"pools a tensor of rank {len(image)}; only images with four axes can")
    elif result[_SIZES] == (1, 1):
        build.replace(build.mean(node.inputs[0], (2, 3), keep=True))
    elif context.shape(node, node.inputs[0]) is None or context.shape(node, node.outputs[0]) is None:
        return
    elif image[2] % result[2] or image[3] % result[3]:
        build.replace(_by_matrix(build, node.inputs[0], image, result))
    else:
        steps = (image[2] // result[2], image[3] // result[3])
        kind = node.outputs[0].type
        pooled = build.op(
            "AvgPoolFusion", [node.inputs[0]], kind, kernel_size=steps, strides=steps, pad_mode=2, format=1
        )
        build.replace(pooled)


def adaptive_average_pool_gradient(context: Context, node: Node) -> None:
    """AdaptiveAvgPool2DGrad(dy, shape of x): each dy spread evenly over its window."""
    dy, shape = node.inputs[0], context.shape(node, node.inputs[0])
    image = context.shape(node, node.outputs[0]) or integers_of(node.inputs[1])
    if image is None or shape is None:
        return
    build = Composer(context, node)
    if shape[_SIZES] == (1, 1):
        even = build.mul(dy, 1 / (image[2] * image[3]))
        times = build.constant([1, 1, image[2], image[3]], DType.INT32)
        build.replace(build.op("TileFusion", [even, times], node.outputs[0].type))
    else:
        build.replace(_by_matrix(build, dy, image, shape, is_gradient=True))


def _by_matrix(
    build: Composer, value: Value, image: tuple[int, ...], result: tuple[int, ...], *, is_gradient: bool = False
) -> Value:
    """All windows at once: pixels times a matrix [pixels, windows], or its transpose."""
    matrix = np.kron(_windows(image[2], result[2]), _windows(image[3], result[3]))
    target = image if is_gradient else result
    rows = build.reshape(value, (image[0] * image[1], matrix.shape[0 if is_gradient else 1]))
    product = build.matmul(rows, build.constant(matrix), transpose_b=not is_gradient)
    return build.reshape(product, target)


def _windows(size: int, count: int) -> Array:
    """Weights [count, size] of the adaptive windows along an axis."""
    weights = np.zeros((count, size))
    for index in range(count):
        start, stop = index * size // count, -(-(index + 1) * size // count)
        weights[index, start:stop] = 1 / (stop - start)
    return weights
