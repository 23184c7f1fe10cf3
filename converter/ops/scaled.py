"""Constants multiplied by a factor per row, computed when their bytes are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.ir.tensor import Tensor

if TYPE_CHECKING:
    from converter.ir import DType
    from converter.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class ScaledTensor(Tensor):
    """A float tensor [rows, …] whose rows are multiplied by `factors` [rows]."""

    dtype: DType
    shape: tuple[int, ...]
    base: Tensor
    factors: Array

    @classmethod
    def of(cls, base: Tensor, factors: Array) -> ScaledTensor:
        """Scale the rows of a tensor."""
        return cls(base.dtype, base.shape, base, factors)

    def array(self) -> Array:
        """The products, rounded once."""
        factors = self.factors.astype(np.float64).reshape(-1, *[1] * (len(self.shape) - 1))
        return np.asarray(self.base.array() * factors, self.dtype.numpy)
