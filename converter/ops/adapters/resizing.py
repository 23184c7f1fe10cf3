"""Resizing and padding of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from converter.ir import DType
from converter.ir.editing import set_input
from converter.ops.compose import Composer
from converter.ops.context import constant, integers_of, literal_of
from converter.ops.layouts import RANK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Attr, Node, Value
    from converter.ops.context import Context

    Weights = np.ndarray[Any, np.dtype[Any]]

LINEAR, NEAREST = 0, 1
_ALIGN_CORNERS, _HALF_PIXEL = 1, 2
_PAIR = 2
_MIRRORS: dict[str, Literal["reflect", "symmetric"]] = {"reflect": "reflect", "symmetric": "symmetric"}
_PAD_MODES = {"constant": 0, "reflect": 1, "symmetric": 2}


def resize(method: int) -> Callable[[Context, Node], None]:
    """ResizeX(x[, size]): size and coordinates become attributes."""

    def adapter(context: Context, node: Node) -> None:
        """Row by row and column by column, by the given method."""
        size = integers_of(node.inputs[1]) if len(node.inputs) > 1 else node.attrs.get("size")
        if not isinstance(size, tuple) or len(size) != _PAIR:
            context.refuse("E202", node, "resizes to a size that is not constant", "give height and width as numbers")
            return
        height, width = (int(str(each)) for each in size)
        mode = _coordinates(context, node, method, (height, width))
        build = Composer(context, node)
        resized = build.op(
            "Resize",
            [node.inputs[0]],
            node.outputs[0].type,
            method=method,
            format=1,
            new_height=height,
            new_width=width,
            coordinate_transform_mode=mode,
        )
        build.replace(resized)

    return adapter


def _coordinates(context: Context, node: Node, method: int, size: Sequence[int]) -> int:
    """How the device finds the pixels to read. Its nearest one with half-pixel centers is another than MindSpore's."""
    if node.attrs.get("align_corners"):
        return _ALIGN_CORNERS
    if not node.attrs.get("half_pixel_centers"):
        return 0
    if method == LINEAR:
        return _HALF_PIXEL
    shape = node.inputs[0].type.shape or ()
    for old, new in zip(shape[2:], size, strict=True):
        steps = np.arange(new)
        if (np.floor((steps + 0.5) * old / new) != np.floor(steps * old / new)).any():
            hint = "use half_pixel_centers=False, or a whole multiple of the size"
            context.refuse("E202", node, f"resizes {old} pixels to {new} by half-pixel centers and the nearest", hint)
    return 0


def bilinear_gradient(context: Context, node: Node) -> None:
    """ResizeBilinearGrad(dy, x): the kernel knows no half-pixel centers, so these are products with the weights."""
    if not node.attrs.get("half_pixel_centers") or node.attrs.get("align_corners"):
        build = Composer(context, node)
        corners = bool(node.attrs.get("align_corners"))
        kind = node.outputs[0].type
        build.replace(build.op("ResizeGrad", node.inputs, kind, method=LINEAR, align_corners=corners))
        return
    shape, image = context.shape(node, node.inputs[0]), context.shape(node, node.outputs[0])
    if shape is None or image is None:
        return
    build = Composer(context, node)
    rows, columns = (_half_pixel_weights(image[axis], shape[axis]) for axis in (2, 3))
    build.replace(_by_weights(build, node.inputs[0], rows, columns))


def _by_weights(build: Composer, dy: Value, rows: Weights, columns: Weights) -> Value:
    """The adjoint of `y = rows @ x @ columns.T` on every channel: two products of matrices, one along each axis."""
    n, channels, height, width = dy.type.shape or ()
    tall, wide = rows.shape[1], columns.shape[1]
    across = build.matmul(build.reshape(dy, (n * channels * height, width)), build.constant(columns))
    turned = build.transpose(build.reshape(across, (n, channels, height, wide)), (0, 1, 3, 2))
    along = build.matmul(build.reshape(turned, (n * channels * wide, height)), build.constant(rows))
    return build.transpose(build.reshape(along, (n, channels, wide, tall)), (0, 1, 3, 2))


def _half_pixel_weights(old: int, new: int) -> Weights:
    """Weights [new, old] of linear interpolation along an axis; positions are float32, as MindSpore has them."""
    scale = np.float32(old) / np.float32(new)
    places = np.maximum((np.arange(new, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5), 0)
    low = np.minimum(np.floor(places).astype(np.int64), old - 1)
    share = places - low
    weights = np.zeros((new, old))
    np.add.at(weights, (np.arange(new), low), 1 - share)
    np.add.at(weights, (np.arange(new), np.minimum(low + 1, old - 1)), share)
    return weights


def nearest_gradient(context: Context, node: Node) -> None:
    """ResizeNearestNeighborGrad(dy, [height, width])."""
    size = integers_of(node.inputs[1])
    if size is None:
        context.refuse("E202", node, "the size of the image before the resize is not constant")
    else:
        set_input(node, 1, constant("", np.array(size, np.int32)))


def pad(context: Context, node: Node) -> None:
    """Pad(x): the attribute has a pair (before, after) for every axis."""
    pairs = node.attrs.get("paddings")
    _pad(context, node, pairs if isinstance(pairs, tuple) else (), 0, 0.0)


def mirror_pad(context: Context, node: Node) -> None:
    """MirrorPad(x, pairs), reflected about the border, with its elements (SYMMETRIC) or without (REFLECT)."""
    _pad(context, node, literal_of(node.inputs[1]), _PAD_MODES.get(str(node.attrs.get("mode")).lower()), 0.0)


def mirror_pad_gradient(context: Context, node: Node) -> None:
    """MirrorPadGrad(dy, pairs): what was copied to the border is added up where it came from."""
    pairs, mode = literal_of(node.inputs[1]), str(node.attrs.get("mode")).lower()
    image = context.shape(node, node.outputs[0])
    widths = np.asarray(pairs) if isinstance(pairs, tuple) else np.zeros((0, 2))
    if image is None:
        return
    if len(image) != RANK or widths.shape != (RANK, _PAIR) or widths[:2].any() or mode not in _MIRRORS:
        context.refuse("E202", node, "pads along axes that are not height and width, in training")
        return
    build = Composer(context, node)
    rows, columns = (
        np.eye(image[axis])[np.pad(np.arange(image[axis]), tuple(widths[axis].tolist()), mode=_MIRRORS[mode])]
        for axis in (2, 3)
    )
    build.replace(_by_weights(build, node.inputs[0], rows, columns))


def pad_v3(context: Context, node: Node) -> None:
    """PadV3(x, numbers[, value]): pairs from the last axis to the first; axes without a pair stay."""
    numbers = integers_of(node.inputs[1])
    value = literal_of(node.inputs[2]) if len(node.inputs) > _PAIR else 0.0
    rank = node.inputs[0].type.rank or 0
    if numbers is None or len(numbers) % _PAIR or len(numbers) > _PAIR * rank:
        context.refuse("E202", node, "pads by numbers that are not constant pairs")
        return
    pairs = [numbers[place : place + _PAIR] for place in range(0, len(numbers), _PAIR)]
    if not node.attrs.get("paddings_contiguous", True):
        pairs = list(zip(numbers[: len(pairs)], numbers[len(pairs) :], strict=True))
    full = [(0, 0)] * (rank - len(pairs)) + pairs[::-1]
    flat = value[0] if isinstance(value, tuple) and value else value
    mode = _PAD_MODES.get(str(node.attrs.get("mode")).lower())
    _pad(context, node, tuple(full), mode, float(flat) if isinstance(flat, (int, float)) else None)


def _pad(context: Context, node: Node, pairs: Attr, mode: int | None, value: float | None) -> None:
    """PadFusion with its pairs as a tensor."""
    if mode is None:
        context.refuse("E202", node, f"{node.origin.op}.mode={node.attrs.get('mode')!r} cannot be converted")
        return
    if not pairs or value is None:
        context.refuse("E202", node, "pads by numbers that are not constant")
        return
    build = Composer(context, node)
    widths = build.constant(pairs, DType.INT32)
    kind = node.outputs[0].type
    build.replace(build.op("PadFusion", [node.inputs[0], widths], kind, padding_mode=mode, constant_value=value))
