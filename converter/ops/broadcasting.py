"""Shapes of results that are broadcast, and of reshapes, where some dimensions are unknown (-1)."""

from __future__ import annotations

from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def broadcast_shape(*shapes: Sequence[int]) -> tuple[int, ...]:
    """As numpy broadcasts; an unknown dimension next to a known one other than 1 must be like it.

    Raises `ValueError` for shapes that do not fit.
    """
    columns = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1)
    return tuple(reversed([_dimension(column) for column in columns]))


def _dimension(column: Sequence[int]) -> int:
    """The common dimension of one axis."""
    wide = {dim for dim in column if dim not in (1, -1)}
    if len(wide) > 1:
        message = f"dimensions {sorted(wide)} do not fit"
        raise ValueError(message)
    return next(iter(wide)) if wide else min(column)


def rows_of(shape: Sequence[int]) -> int:
    """The product of dimensions; -1 when one is unknown."""
    return -1 if any(dim < 0 for dim in shape) else prod(shape)


def unknown_count(shape: Sequence[int]) -> int:
    """How many dimensions are unknown; a Reshape can find out one by itself."""
    return sum(dim < 0 for dim in shape)
