"""Element types, tensor types, layouts and quantization parameters, in the numbers that `.ms` files use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import prod

import numpy as np


class DType(IntEnum):
    """Element type; the values are MindSpore TypeIds, as in `Tensor.dataType` of a `.ms` file."""

    STRING = 12
    BOOL = 30
    INT8 = 32
    INT16 = 33
    INT32 = 34
    INT64 = 35
    UINT8 = 37
    UINT16 = 38
    UINT32 = 39
    UINT64 = 40
    FLOAT16 = 42
    FLOAT32 = 43
    FLOAT64 = 44
    BFLOAT16 = 45

    @property
    def numpy(self) -> np.dtype[np.generic]:
        """Little-endian numpy type; bfloat16 is carried as its 16 bits, strings as bytes."""
        return _NUMPY[self]

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize

    @classmethod
    def of(cls, dtype: np.dtype[np.generic]) -> DType:
        """The element type of a numpy array; `KeyError` when `.ms` has none."""
        return _OF_NUMPY[dtype.newbyteorder("<")]


_NUMPY = {
    DType.STRING: np.dtype("u1"),
    DType.BOOL: np.dtype("?"),
    DType.INT8: np.dtype("i1"),
    DType.INT16: np.dtype("<i2"),
    DType.INT32: np.dtype("<i4"),
    DType.INT64: np.dtype("<i8"),
    DType.UINT8: np.dtype("u1"),
    DType.UINT16: np.dtype("<u2"),
    DType.UINT32: np.dtype("<u4"),
    DType.UINT64: np.dtype("<u8"),
    DType.FLOAT16: np.dtype("<f2"),
    DType.FLOAT32: np.dtype("<f4"),
    DType.FLOAT64: np.dtype("<f8"),
    DType.BFLOAT16: np.dtype("<u2"),
}
_OF_NUMPY = {_NUMPY[dtype].newbyteorder("<"): dtype for dtype in DType if dtype not in (DType.STRING, DType.BFLOAT16)}


class Layout(IntEnum):
    """Order of the axes of a tensor; the values are those of `Tensor.format` in a `.ms` file."""

    NCHW = 0
    NHWC = 1
    KHWC = 7


@dataclass(frozen=True)
class TensorType:
    """Element type and shape; -1 is a dimension not known before run time, a shape of None an unknown rank."""

    dtype: DType
    shape: tuple[int, ...] | None

    @property
    def is_static(self) -> bool:
        """Whether every dimension is known."""
        return self.shape is not None and all(dim >= 0 for dim in self.shape)

    @property
    def rank(self) -> int | None:
        """Number of dimensions, if known."""
        return None if self.shape is None else len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements; `ValueError` when the shape is not static."""
        if self.shape is None or not self.is_static:
            message = f"the size of {self} is not known"
            raise ValueError(message)
        return prod(self.shape)

    def __str__(self) -> str:
        """As in `float32[2,3,?]`."""
        dims = "*" if self.shape is None else ",".join("?" if dim < 0 else str(dim) for dim in self.shape)
        return f"{self.dtype.name.lower()}[{dims}]"


@dataclass(frozen=True)
class QuantParam:
    """How integers stand for reals: real = (q - zero_point) * scale, then real * var_corr + mean_corr."""

    scale: float
    zero_point: int
    bits: int = 8
    var_corr: float = 1.0
    mean_corr: float = 0.0
