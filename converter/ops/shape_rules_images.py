"""Shapes of results of operators on images [batch, channels, height, width], per MindIR operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.context import integers_of
from converter.ops.rule import PAD_MODES, RefusedValueError, spatial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Node

    Shapes = Sequence[tuple[int, ...] | None]

_SAME, _VALID = 1, 2


def _image(node: Node) -> tuple[int, ...]:
    """The shape of the first input."""
    found = node.inputs[0].type.shape
    if found is None or len(found) != 4:  # noqa: PLR2004 - the axes of an image
        message = f"takes {node.inputs[0].type} for an image"
        raise ValueError(message)
    return found


def _sizes(node: Node, name: str) -> tuple[int, int]:
    """Height and width of an attribute; (1, 1) when it is absent."""
    try:
        value = spatial(node.attrs.get(name, 1))
    except RefusedValueError as problem:
        raise ValueError(str(problem)) from problem
    rows, columns = value if isinstance(value, tuple) else (value, value)
    return int(str(rows)), int(str(columns))


def _mode(node: Node) -> int:
    """How a window meets the border: by listed pads (0), SAME or VALID."""
    mode = node.attrs.get("pad_mode", 0)
    return PAD_MODES.get(mode.lower() if isinstance(mode, str) else mode, 0)


def _count(size: int, reach: int, stride: int, mode: int, pads: int) -> int:
    """Places of a window along an axis."""
    if size < 0:
        return -1
    if mode == _SAME:
        return -(-size // stride)
    found = (size + (pads if mode != _VALID else 0) - reach) // stride + 1
    if found < 1:
        message = f"moves a window of {reach} over {size} pixels"
        raise ValueError(message)
    return found


def convolution(node: Node) -> Shapes:
    """Conv2D(x, kernel)."""
    batch, channels, *image = _image(node)
    kernel = node.inputs[1].type.shape or ()
    group = int(str(node.attrs.get("group") or 1))
    if channels >= 0 and channels != kernel[1] * group:
        message = f"has {channels} input channels, its weight {kernel[1] * group}"
        raise ValueError(message)
    listed = node.attrs.get("pad_list") or node.attrs.get("pad") or 0
    pads = [int(str(pad)) for pad in (listed if isinstance(listed, tuple) else (listed,) * 4)]
    strides, dilations = _sizes(node, "stride"), _sizes(node, "dilation")
    axes = zip(image, kernel[2:], strides, dilations, (sum(pads[:2]), sum(pads[2:4])), strict=True)
    mode = _mode(node)
    return [(batch, kernel[0], *(_count(n, (k - 1) * d + 1, s, mode, p) for n, k, s, d, p in axes))]


def transposed_convolution(node: Node) -> Shapes:
    """Conv2DTranspose(x, kernel, shape of the result)."""
    listed = [integers_of(value) for value in node.inputs[2:]]
    if None in listed:
        message = "the size of its result is computed by the graph"
        raise ValueError(message)
    return [tuple(dim for dims in listed for dim in dims or ())]


def pool(node: Node) -> Shapes:
    """MaxPool, AvgPool (x)."""
    batch, channels, *image = _image(node)
    axes = zip(image, _sizes(node, "kernel_size"), _sizes(node, "strides"), strict=True)
    mode = _mode(node)
    return [(batch, channels, *(_count(size, kernel, stride, mode, 0) for size, kernel, stride in axes))]


def adaptive_pool(node: Node) -> Shapes:
    """AdaptiveAvgPool2D(x): MindIR says how many windows there are, but where there is one per pixel."""
    batch, channels, *image = _image(node)
    declared = (node.outputs[0].type.shape or (-1,) * 4)[2:]
    return [(batch, channels, *(old if new < 0 else new for old, new in zip(image, declared, strict=True)))]


def resize(node: Node) -> Shapes:
    """ResizeBilinear, ResizeNearestNeighbor and their versions (x, size)."""
    batch, channels, *_ = _image(node)
    size = node.attrs.get("size")
    found = size if isinstance(size, tuple) else integers_of(node.inputs[1]) if len(node.inputs) > 1 else None
    if found is None:
        message = "the size of its result is computed by the graph"
        raise ValueError(message)
    return [(batch, channels, *(int(str(dim)) for dim in found))]


def pad(node: Node) -> Shapes:
    """Pad, MirrorPad (x, pairs), along any axes."""
    shape, pairs = node.inputs[0].type.shape or (), node.attrs.get("paddings")
    rows = pairs if isinstance(pairs, tuple) else ()
    if not rows and len(node.inputs) > 1 and node.inputs[1].const is not None:
        rows = tuple(map(tuple, node.inputs[1].const.array().reshape(-1, 2).tolist()))
    if len(rows) != len(shape):
        message = "its pads are computed by the graph"
        raise ValueError(message)
    more = [sum(int(str(each)) for each in row) if isinstance(row, tuple) else 0 for row in rows]
    return [tuple(-1 if dim < 0 else dim + extra for dim, extra in zip(shape, more, strict=True))]


IMAGE_RULES: dict[str, Callable[[Node], Shapes]] = {
    "AdaptiveAvgPool2D": adaptive_pool,
    "AvgPool": pool,
    "Conv2D": convolution,
    "Conv2DTranspose": transposed_convolution,
    "MaxPool": pool,
    "MirrorPad": pad,
    "Pad": pad,
    "ResizeBilinear": resize,
    "ResizeBilinearV2": resize,
    "ResizeNearestNeighbor": resize,
    "ResizeNearestNeighborV2": resize,
}
