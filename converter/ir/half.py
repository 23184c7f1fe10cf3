"""float32 constants stored as float16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.ir.tensor import Tensor
from converter.ir.types import DType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class HalfTensor(Tensor):
    """A float32 tensor rounded to float16, to the nearest number and ties to even, when the bytes are asked for."""

    base: Tensor

    @property
    def dtype(self) -> DType:  # type: ignore[override] # derived here, stored elsewhere
        """Always float16."""
        return DType.FLOAT16

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override] # derived here, stored elsewhere
        """Shape of the base."""
        return self.base.shape

    def array(self) -> Array:
        """The elements; those that float16 cannot hold are infinite."""
        with np.errstate(over="ignore"):
            return self.base.array().astype(DType.FLOAT16.numpy)

    def chunks(self) -> Iterator[memoryview]:
        """The bytes, from one piece of the base after another."""
        for piece in self.base.chunks():
            with np.errstate(over="ignore"):
                half = np.frombuffer(piece, DType.FLOAT32.numpy).astype(DType.FLOAT16.numpy)
            yield half.view(np.uint8).data
