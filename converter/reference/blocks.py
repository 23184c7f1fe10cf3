"""Operators that move blocks of pixels between space and batch or channels, on NHWC images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.reference.call import one

if TYPE_CHECKING:
    from converter.reference.call import Array, Call, Outputs


def _block(call: Call) -> tuple[int, int]:
    """Height and width of a block; the attribute is called block_size or block_shape."""
    height, width = call.ints("block_size" if call.has("block_size") else "block_shape", 2)[:2]
    return height, width


def _borders(call: Call, name: str) -> list[tuple[int, int]]:
    """Rows of a Vec2D attribute as (before, after) for height and width; absent is none."""
    rows = call.node.attrs.get(name) or ((0, 0), (0, 0))
    return [(int(row[0]), int(row[1])) for row in rows]  # type: ignore[union-attr, index, arg-type] # a Vec2D


def space_to_batch(call: Call) -> Outputs:
    """SpaceToBatch, SpaceToBatchND: pixels of one place in every block become an image of their own."""
    (height, width), (rows, columns) = _block(call), _borders(call, "paddings")
    x = np.pad(call[0], ((0, 0), rows, columns, (0, 0)))
    n, h, w, c = x.shape
    call.demand(not (h % height or w % width), f"cuts {h} by {w} pixels into blocks of {height} by {width}")
    parts = x.reshape(n, h // height, height, w // width, width, c)
    return one(parts.transpose(2, 4, 0, 1, 3, 5).reshape(n * height * width, h // height, w // width, c))


def batch_to_space(call: Call) -> Outputs:
    """BatchToSpace, BatchToSpaceND: the inverse, with a border cut off."""
    (height, width), (rows, columns) = _block(call), _borders(call, "crops")
    x = call[0]
    n, h, w, c = x.shape
    parts = x.reshape(height, width, n // (height * width), h, w, c)
    image = parts.transpose(2, 3, 0, 4, 1, 5).reshape(-1, h * height, w * width, c)
    return one(_cut(image, rows, columns))


def _cut(image: Array, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    height, width = image.shape[1] - rows[1], image.shape[2] - columns[1]
    return np.ascontiguousarray(image[:, rows[0] : height, columns[0] : width])


def depth_to_space(call: Call) -> Outputs:
    """DepthToSpace: channels become blocks of pixels."""
    x, block = call[0], call.integer("block_size")
    n, h, w, c = x.shape
    parts = x.reshape(n, h, w, block, block, c // block**2)
    return one(parts.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * block, w * block, c // block**2))


def space_to_depth(call: Call) -> Outputs:
    """SpaceToDepth: blocks of pixels become channels."""
    x, block = call[0], call.integer("block_size")
    n, h, w, c = x.shape
    parts = x.reshape(n, h // block, block, w // block, block, c)
    return one(parts.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // block, w // block, c * block**2))
