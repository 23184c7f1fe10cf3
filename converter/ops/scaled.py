"""Constants times factors plus an offset, computed when their bytes are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.ir.tensor import Tensor

if TYPE_CHECKING:
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


def affine(base: Tensor, factors: Array | float, offset: Array | float = 0.0) -> AffineTensor:
    """`base * factors + offset`, composed with what the base is already made of."""
    factors, offset = np.asarray(factors, np.float64), np.asarray(offset, np.float64)
    if isinstance(base, AffineTensor):
        return AffineTensor(base.dtype, base.shape, base.base, base.factors * factors, base.offset * factors + offset)
    return AffineTensor(base.dtype, base.shape, base, factors, offset)


def exact(tensor: Tensor) -> Array:
    """The elements in double precision, before any rounding that the file will need."""
    return tensor.exact() if isinstance(tensor, AffineTensor) else tensor.array().astype(np.float64)
