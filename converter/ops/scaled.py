"""Constants times factors plus an offset, computed when their bytes are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.ir.tensor import CHUNK, Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.ir import DType
    from converter.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class AffineTensor(Tensor):
    """A float tensor `base * factors + offset`; both are float64 arrays that broadcast to the shape of the base.

    However many of them were composed, the numbers are rounded once, when they are asked for.
    """

    dtype: DType
    shape: tuple[int, ...]
    base: Tensor
    factors: Array
    offset: Array

    def exact(self) -> Array:
        """The elements in double precision."""
        return np.asarray(self.base.array().astype(np.float64) * self.factors + self.offset)

    def array(self) -> Array:
        """The elements, rounded to the type of the base."""
        return self.exact().astype(self.dtype.numpy)

    def rows(self, start: int, stop: int) -> Array:
        """A part of the elements along the first axis, computed without the rest."""
        factors, offset = (_rows(each, len(self.shape), start, stop) for each in (self.factors, self.offset))
        exact = self.base.rows(start, stop).astype(np.float64) * factors + offset
        return np.asarray(exact, self.dtype.numpy)

    def chunks(self) -> Iterator[memoryview]:
        """Some rows at a time."""
        if not self.shape or not self.nbytes:
            yield from super().chunks()
            return
        step = max(CHUNK * self.shape[0] // self.nbytes, 1)
        for start in range(0, self.shape[0], step):
            part = self.rows(start, min(start + step, self.shape[0]))
            yield np.ascontiguousarray(part).reshape(-1).view(np.uint8).data


def _rows(numbers: Array, rank: int, start: int, stop: int) -> Array:
    """The part of factors or an offset that goes with some rows."""
    has_rows = numbers.ndim == rank and numbers.shape[0] != 1
    return numbers[start:stop] if has_rows else numbers


def affine(base: Tensor, factors: Array | float, offset: Array | float = 0.0) -> AffineTensor:
    """`base * factors + offset`, composed with what the base is already made of."""
    factors, offset = np.asarray(factors, np.float64), np.asarray(offset, np.float64)
    if isinstance(base, AffineTensor):
        return AffineTensor(base.dtype, base.shape, base.base, base.factors * factors, base.offset * factors + offset)
    return AffineTensor(base.dtype, base.shape, base, factors, offset)


def exact(tensor: Tensor) -> Array:
    """The elements in double precision, before any rounding that the file will need."""
    return tensor.exact() if isinstance(tensor, AffineTensor) else tensor.array().astype(np.float64)
