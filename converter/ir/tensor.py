"""Constant tensors: bytes of the input file, left where they are until a pass needs other numbers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir.types import DType, TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap
    from typing import BinaryIO

    from converter.ir.input_file import InputFile

    Array = np.ndarray[Any, np.dtype[Any]]

# Streaming granularity; bounds the memory of a copy. Large enough that call overhead does not show, small enough for
# the processor's cache: with 1 MiB a copy takes twice the time.
CHUNK = 1 << 17


class Tensor(ABC):
    """A constant: element type, shape and little-endian bytes in C order."""

    dtype: DType
    shape: tuple[int, ...]

    @property
    def type(self) -> TensorType:
        """Element type and shape as a `TensorType`."""
        return TensorType(self.dtype, self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Number of bytes."""
        return self.size * self.dtype.itemsize

    @abstractmethod
    def array(self) -> Array:
        """The elements, shaped; read-only, a view where possible."""

    def rows(self, start: int, stop: int) -> Array:
        """A part of the elements along the first axis."""
        return self.array()[start:stop]

    def chunks(self) -> Iterator[memoryview]:
        """The bytes in order, in pieces that need no copy of the whole."""
        yield from _pieces(self.array())

    def write_to(self, file: BinaryIO) -> None:
        """Append the bytes to a file. Raises `OSError`."""
        file.writelines(self.chunks())


def _pieces(array: Array) -> Iterator[memoryview]:
    """The bytes of an array in C order, whatever its strides."""
    if array.flags.c_contiguous:
        flat = array.reshape(-1).view(np.uint8)
        for start in range(0, flat.size, CHUNK):
            yield flat[start : start + CHUNK].data
        return
    rows = max(CHUNK * len(array) // max(array.nbytes, 1), 1)
    if rows == 1 and array.ndim > 1:
        for row in array:
            yield from _pieces(row)
        return
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows]).reshape(-1).view(np.uint8).data


@dataclass(frozen=True, eq=False)
class MappedTensor(Tensor):
    """A tensor whose bytes stay where they are, in a mapped file."""

    dtype: DType
    shape: tuple[int, ...]
    buffer: mmap | memoryview | bytes
    offset: int

    def array(self) -> Array:
        """A read-only view on the mapped bytes."""
        flat = np.frombuffer(self.buffer, dtype=self.dtype.numpy, count=self.size, offset=self.offset)
        view = flat.reshape(self.shape)
        view.flags.writeable = False
        return view

    def chunks(self) -> Iterator[memoryview]:
        """Slices of the mapping."""
        view = memoryview(self.buffer)
        for start in range(self.offset, self.offset + self.nbytes, CHUNK):
            yield view[start : min(start + CHUNK, self.offset + self.nbytes)]


@dataclass(frozen=True, eq=False)
class FileTensor(Tensor):
    """A tensor whose bytes stay in a file."""

    dtype: DType
    shape: tuple[int, ...]
    file: InputFile
    offset: int

    def array(self) -> Array:
        """The elements, read anew."""
        return self._read(self.shape, self.offset)

    def rows(self, start: int, stop: int) -> Array:
        """The part alone is read."""
        row = prod(self.shape[1:])
        return self._read((stop - start, *self.shape[1:]), self.offset + start * row * self.dtype.itemsize)

    def _read(self, shape: tuple[int, ...], offset: int) -> Array:
        values = np.empty(shape, self.dtype.numpy)
        self.file.read_into(offset, values.reshape(-1).view(np.uint8).data)
        values.flags.writeable = False
        return values

    def chunks(self) -> Iterator[memoryview]:
        """Bytes, read piece by piece."""
        yield from self._chunks_from(0)

    def write_to(self, file: BinaryIO) -> None:
        """Let the kernel copy what is worth a system call, where it can."""
        done = 0
        if self.nbytes >= CHUNK and hasattr(file, "fileno"):
            file.flush()
            done = self.file.copy_to(file.fileno(), self.offset, self.nbytes)
            file.seek(0, os.SEEK_END)
        file.writelines(self._chunks_from(done))

    def _chunks_from(self, done: int) -> Iterator[memoryview]:
        for start in range(done, self.nbytes, CHUNK):
            yield memoryview(self.file.read(self.offset + start, min(CHUNK, self.nbytes - start)))


@dataclass(frozen=True, eq=False)
class ArrayTensor(Tensor):
    """A tensor that a pass computed."""

    values: Array
    dtype: DType
    shape: tuple[int, ...]

    @classmethod
    def of(cls, values: Array) -> ArrayTensor:
        """Keep a little-endian contiguous array; its element type follows numpy's."""
        little = np.asarray(values, dtype=values.dtype.newbyteorder("<"), order="C")
        return cls(little, DType.of(little.dtype), tuple(int(dim) for dim in little.shape))

    def array(self) -> Array:
        """The array itself."""
        return self.values


@dataclass(frozen=True, eq=False)
class TransposedTensor(Tensor):
    """Another tensor with its axes permuted; the numbers move when the bytes are asked for."""

    base: Tensor
    perm: tuple[int, ...]

    @property
    def dtype(self) -> DType:  # type: ignore[override] # derived here, stored elsewhere
        """Element type of the base."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override] # derived here, stored elsewhere
        """Permuted shape."""
        return tuple(self.base.shape[axis] for axis in self.perm)

    def array(self) -> Array:
        """A strided view on the base."""
        view: Array = self.base.array().transpose(self.perm)
        return view

    def chunks(self) -> Iterator[memoryview]:
        """Some rows at a time, where rows stay rows; else all of them must be there."""
        if self.perm[:1] != (0,) or not self.nbytes:
            yield from _pieces(self.array())
            return
        count, (shape, perm) = self.shape[0], _merged(self.base.shape, self.perm)
        step = max(CHUNK * count // self.nbytes, 1)
        for start in range(0, count, step):
            rows = self.base.rows(start, min(start + step, count))
            yield from _pieces(rows.reshape(len(rows), *shape[1:]).transpose(perm))


def _merged(shape: tuple[int, ...], perm: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The same permutation of fewer axes: those that stay neighbors are one. numpy is twice as fast with it."""
    runs = [[perm[0]]]
    for axis in perm[1:]:
        if axis == runs[-1][-1] + 1 and runs[-1] != [0]:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    order = sorted(runs)
    return [prod(shape[axis] for axis in run) for run in order], [order.index(run) for run in runs]


@dataclass(frozen=True, eq=False)
class FilledTensor(Tensor):
    """Every element the same; the elements exist only while they are written."""

    dtype: DType
    shape: tuple[int, ...]
    value: float

    def array(self) -> Array:
        """A view of one element, repeated."""
        view: Array = np.broadcast_to(np.asarray(self.value, self.dtype.numpy), self.shape)
        return view

    def chunks(self) -> Iterator[memoryview]:
        """The one element, repeated piece by piece."""
        per_chunk = max(CHUNK // self.dtype.itemsize, 1)
        for start in range(0, self.size, per_chunk):
            yield np.full(min(per_chunk, self.size - start), self.value, self.dtype.numpy).view(np.uint8).data
