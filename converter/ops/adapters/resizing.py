"""Resizing and padding of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType
from converter.ir.editing import set_input
from converter.ops.compose import Composer
from converter.ops.context import constant, integers_of, literal_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Attr, Node
    from converter.ops.context import Context

LINEAR, NEAREST = 0, 1
_ALIGN_CORNERS, _HALF_PIXEL = 1, 2
_PAIR = 2
_PAD_MODES = {"constant": 0, "reflect": 1, "symmetric": 2}


def resize(method: int) -> Callable[[Context, Node], None]:
    """ResizeX(x[, size]): size and coordinates become attributes."""

    def adapter(context: Context, node: Node) -> None:
        """Row by row and column by column, by the given method."""
        size = integers_of(node.inputs[1]) if len(node.inputs) > 1 else node.attrs.get("size")
        if not isinstance(size, tuple) or len(size) != _PAIR:
            context.refuse("E202", node, "resizes to a size that is not constant", "give height and width as numbers")
            return
        mode = _ALIGN_CORNERS if node.attrs.get("align_corners") else 0
        if not mode and node.attrs.get("half_pixel_centers"):
            mode = _HALF_PIXEL
        build = Composer(context, node)
        sizes = {"new_height": size[0], "new_width": size[1], "coordinate_transform_mode": mode}
        build.replace(
            build.op("Resize", [node.inputs[0]], node.outputs[0].type, method=method, format=1, **sizes)
        )

    return adapter


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
