"""Sums in the device's order: one addition after another in float32, one axis after another.

numpy adds pairs of pairs along the last axis, which rounds differently; where a sum cancels to about zero the
difference is all that is left, so the order matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.reference.call import Array


def add_up(x: Array, axis: int) -> Array:
    """Sum along one axis, which stays with size 1."""
    shape = [1 if i == axis % x.ndim else size for i, size in enumerate(x.shape)]
    rows = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
    if rows.shape[1] == 1 and len(rows):
        return np.add.accumulate(rows[:, 0], dtype=x.dtype)[-1:].reshape(shape)
    return np.asarray(np.add.reduce(np.ascontiguousarray(rows), axis=0, dtype=x.dtype)).reshape(shape)


def total(x: Array, axes: Iterable[int]) -> Array:
    """Sum along several axes in the given order; they stay with size 1."""
    for axis in axes:
        x = add_up(x, axis)
    return x


def mean(x: Array, axes: Iterable[int]) -> Array:
    """Mean along several axes in the given order, divided after each; they stay with size 1."""
    for axis in axes:
        x = add_up(x, axis) / np.float32(x.shape[axis])
    return x


def add_rounded(terms: Array, axis: int) -> Array:
    """Sum of float64 terms along one axis into a float32 that is rounded after every addition; the axis stays."""
    moved = np.moveaxis(terms, axis, 0)
    result = np.zeros(moved.shape[1:], np.float32)
    for term in moved:
        result = (result + term).astype(np.float32)
    return np.expand_dims(result, axis)


def rows(x: Array) -> Array:
    """Sum over all axes but the last, row by row."""
    return add_up(x.reshape(-1, x.shape[-1]), 0).reshape(-1)
