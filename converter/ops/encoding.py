"""Compressed layouts of integer weights in `.ms` files: indexing and sparse; bit streams, most significant bit first.

Source: the official converter 2.0.0, measured (tests/oracle/README.md). With n values, u of them distinct and
i = ceil(log2 u):

    table     count u in 8 bits (256 is 0), then u values + 128 in 8 bits each
    indexing  table, n indices of i bits
    sparse    coordinate width w in 8 bits, count m in 32 bits, table, m indices of i bits, m gaps of w bits

Sparse stores the values that differ from their zero point, and one wherever a gap would not fit into w bits. Values
come in equal runs, one zero point each, whatever the channel axis is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import DType, Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

_BITS, _BIAS, _COUNT_BITS = 8, 128, 32
_WIDTHS = range(2, 11)


class Encoding(IntEnum):
    """`Tensor.weightQuantCompressType` of a `.ms` file."""

    RAW = 0
    INDEXING = 1
    SPARSE = 2


@dataclass(frozen=True, eq=False)
class EncodedTensor(Tensor):
    """An int8 tensor whose stored bytes are a bit stream; `nbytes` and `chunks` are those of the stream."""

    values: Array
    stream: bytes
    encoding: Encoding
    dtype: DType = DType.INT8

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override] # derived here, stored elsewhere
        """Shape of the values."""
        return tuple(int(dim) for dim in self.values.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the stream."""
        return len(self.stream)

    def array(self) -> Array:
        """The decoded values."""
        return self.values

    def chunks(self) -> Iterator[memoryview]:
        """The stream."""
        yield memoryview(self.stream)


def encode(values: Array, zero_points: Sequence[int]) -> EncodedTensor | None:
    """The int8 values in the smaller of both layouts; None when neither is smaller than one byte a value."""
    flat = values.reshape(-1)
    distinct, indices = np.unique(flat, return_inverse=True)
    width = _index_bits(distinct.size)
    table = _BITS + _BITS * distinct.size
    is_kept = flat != np.repeat(np.asarray(zero_points), flat.size // len(zero_points))
    positions = np.flatnonzero(is_kept)
    gaps = np.diff(np.concatenate(([-1], positions, [flat.size])))
    # A gap of g leaves floor((g - 1) / 2**w) extra values to store on its way.
    counts = {w: positions.size + int(((gaps - 1) >> w).sum()) for w in _WIDTHS}
    sparse_bits, gap_bits = min((counts[w] * (w + width), w) for w in _WIDTHS)
    indexing_size = _bytes(table + width * flat.size)
    sparse_size = _bytes(_BITS + _COUNT_BITS + table + sparse_bits)
    if flat.size <= min(indexing_size, sparse_size):
        return None
    if indexing_size <= sparse_size:
        stream = _pack(*_table_bits(distinct), _bits(indices, width))
        return EncodedTensor(values, stream, Encoding.INDEXING)
    stored = _stored(positions, flat.size, gap_bits)
    jumps = np.diff(np.concatenate(([-1], stored))) - 1
    head = (_bits([gap_bits], _BITS), _bits([stored.size], _COUNT_BITS))
    stream = _pack(*head, *_table_bits(distinct), _bits(indices[stored], width), _bits(jumps, gap_bits))
    return EncodedTensor(values, stream, Encoding.SPARSE)


def decode(stream: bytes, encoding: Encoding, shape: tuple[int, ...], zero_points: Sequence[int]) -> EncodedTensor:
    """The tensor of a stored stream. Raises `ValueError` for a stream that does not fit."""
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))
    count = int(np.prod(shape))
    position = 0

    def take(number: int, width: int) -> Array:
        nonlocal position
        if position + number * width > bits.size:
            message = "the stream of a compressed weight is too short"
            raise ValueError(message)
        part = bits[position : position + number * width].reshape(number, width).astype(np.int64)
        position += number * width
        return part @ (1 << np.arange(width, dtype=np.int64)[::-1])

    gap_bits, stored = (
        (int(take(1, _BITS)[0]), int(take(1, _COUNT_BITS)[0])) if encoding is Encoding.SPARSE else (0, count)
    )
    if stored > count or gap_bits > _COUNT_BITS:
        message = "the stream of a compressed weight stores more values than the weight has"
        raise ValueError(message)
    distinct = int(take(1, _BITS)[0]) or 1 << _BITS
    table = take(distinct, _BITS) - _BIAS
    kept = table[take(stored, _index_bits(distinct))].astype(np.int8)
    if encoding is Encoding.SPARSE:
        full = np.repeat(np.asarray(zero_points), count // len(zero_points)).astype(np.int8)
        full[np.cumsum(take(stored, gap_bits) + 1) - 1] = kept
        kept = full
    return EncodedTensor(kept.reshape(shape), bytes(stream), encoding)


def _stored(positions: Array, size: int, gap_bits: int) -> Array:
    """Positions to store: the kept ones, and one every 2**gap_bits where nothing is kept for longer."""
    reach = 1 << gap_bits
    bounds = np.concatenate(([-1], positions, [size]))
    extra = [np.arange(a + reach, b, reach) for a, b in pairwise(bounds) if b - a > reach]
    return np.sort(np.concatenate([positions, *extra])) if extra else positions


def _index_bits(distinct: int) -> int:
    return max(distinct - 1, 0).bit_length()


def _bytes(bits: int) -> int:
    return -(-bits // 8)


def _table_bits(distinct: Array) -> tuple[Array, Array]:
    return _bits([distinct.size % (1 << _BITS)], _BITS), _bits(distinct.astype(np.int64) + _BIAS, _BITS)


def _bits(numbers: Array | list[int], width: int) -> Array:
    """Numbers as bits, most significant first."""
    shifts = np.arange(width, dtype=np.int64)[::-1]
    return ((np.asarray(numbers, np.int64)[:, None] >> shifts) & 1).astype(np.uint8).reshape(-1)


def _pack(*parts: Array) -> bytes:
    return np.packbits(np.concatenate(parts)).tobytes()
