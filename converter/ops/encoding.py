"""Compressed layouts of weights in `.ms` files: indexing and sparse bit streams, packed bits; entropy coding is in fse.

Source: the official converter 2.0.0, measured (tests/oracle/README.md). With n values of b bits, u of them distinct and
i = ceil(log2 u), most significant bit first:

    table     count u in b bits (2**b is 0), then u values + 2**(b - 1) in b bits each
    indexing  table, n indices of i bits
    sparse    coordinate width w in 8 bits, count m in 32 bits, table, m indices of i bits, m gaps of w bits

Packed bits: n values + 2**(b - 1) in b bits each, least significant bit first, in words of 8 bits for b < 8, of 16 bits
for b > 8.

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
from converter.ops.fse import decompress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

_BYTE, _WORD, _COUNT_BITS, _WIDTH_BITS = 8, 16, 32, 8
_WIDTHS = range(2, 11)


class Encoding(IntEnum):
    """`Tensor.weightQuantCompressType` of a `.ms` file."""

    RAW = 0
    INDEXING = 1
    SPARSE = 2
    FSE = 3
    BITPACKING = 4


@dataclass(frozen=True, eq=False)
class EncodedTensor(Tensor):
    """A weight whose stored bytes are a bit stream; `nbytes` and `chunks` are those of the stream."""

    values: Array
    stream: bytes
    encoding: Encoding

    @property
    def dtype(self) -> DType:  # type: ignore[override] # derived here, stored elsewhere
        """Type of the values: int8, int16, or float32 when coded by entropy."""
        return DType.of(self.values.dtype)

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


def encode(values: Array, zero_points: Sequence[int], bits: int = _BYTE) -> EncodedTensor | None:
    """The values in the smallest layout; None when that is the plain one, of one or two bytes a value."""
    flat = values.reshape(-1)
    distinct = _distinct(flat)
    width = _index_bits(distinct.size)
    table = bits + bits * distinct.size
    is_kept = flat.reshape(len(zero_points), -1) != np.asarray(zero_points)[:, None]
    positions = np.flatnonzero(is_kept)
    gaps = np.diff(np.concatenate(([-1], positions, [flat.size])))
    # A gap of g leaves floor((g - 1) / 2**w) extra values to store on its way; most gaps leave none.
    left = gaps[gaps > 1 << _WIDTHS[0]] - 1
    counts = {w: positions.size + int((left >> w).sum()) for w in _WIDTHS}
    sparse_bits, gap_bits = min((counts[w] * (w + width), w) for w in _WIDTHS)
    indexing_size = _bytes(table + width * flat.size)
    sparse_size = _bytes(_WIDTH_BITS + _COUNT_BITS + table + sparse_bits)
    if _bytes(bits * flat.size) <= min(indexing_size, sparse_size):
        is_plain = bits in (_BYTE, _WORD)
        return None if is_plain else EncodedTensor(values, _packed_words(flat, bits), Encoding.BITPACKING)
    if indexing_size <= sparse_size:
        stream = _pack(*_table_bits(distinct, bits), _bits(np.searchsorted(distinct, flat), width))
        return EncodedTensor(values, stream, Encoding.INDEXING)
    stored = _stored(positions, flat.size, gap_bits)
    jumps = np.diff(np.concatenate(([-1], stored))) - 1
    head = (_bits([gap_bits], _WIDTH_BITS), _bits([stored.size], _COUNT_BITS))
    stream = _pack(
        *head,
        *_table_bits(distinct, bits),
        _bits(np.searchsorted(distinct, flat[stored]), width),
        _bits(jumps, gap_bits),
    )
    return EncodedTensor(values, stream, Encoding.SPARSE)


def decode(
    stream: bytes, encoding: Encoding, shape: tuple[int, ...], zero_points: Sequence[int], bits: int = _BYTE
) -> EncodedTensor:
    """The tensor of a stored stream. Raises `ValueError` for a stream that does not fit."""
    if encoding is Encoding.FSE:
        return EncodedTensor(decompress(stream, int(np.prod(shape))).reshape(shape), bytes(stream), encoding)
    kind = np.dtype(np.int8 if bits <= _BYTE else "<i2")
    if encoding is Encoding.BITPACKING:
        values = _unpacked_words(stream, int(np.prod(shape)), bits).astype(kind)
    else:
        values = _decoded(_Bits(stream), encoding, int(np.prod(shape)), np.asarray(zero_points, kind), bits)
    return EncodedTensor(values.reshape(shape), bytes(stream), encoding)


class _Bits:
    """Reads numbers from a stream, most significant bit first."""

    def __init__(self, stream: bytes) -> None:
        self.bits = np.unpackbits(np.frombuffer(stream, np.uint8))
        self.position = 0

    def take(self, count: int, width: int) -> Array:
        end = self.position + count * width
        if end > self.bits.size:
            message = "the stream of a compressed weight is too short"
            raise ValueError(message)
        part = self.bits[self.position : end].reshape(count, width).astype(np.int64)
        self.position = end
        return part @ (1 << np.arange(width, dtype=np.int64)[::-1])


def _decoded(stream: _Bits, encoding: Encoding, count: int, zero_points: Array, bits: int) -> Array:
    """Values of an indexing or sparse stream, in the type of the zero points."""
    gap_bits, stored = 0, count
    if encoding is Encoding.SPARSE:
        gap_bits, stored = int(stream.take(1, _WIDTH_BITS)[0]), int(stream.take(1, _COUNT_BITS)[0])
    if stored > count or gap_bits > _COUNT_BITS:
        message = "the stream of a compressed weight stores more values than the weight has"
        raise ValueError(message)
    distinct = int(stream.take(1, bits)[0]) or 1 << bits
    table = (stream.take(distinct, bits) - (1 << (bits - 1))).astype(zero_points.dtype)
    kept = table[stream.take(stored, _index_bits(distinct))]
    if encoding is not Encoding.SPARSE:
        return kept
    full = np.repeat(zero_points, count // len(zero_points))
    full[np.cumsum(stream.take(stored, gap_bits) + 1) - 1] = kept
    return full


def _distinct(flat: Array) -> Array:
    """The different values in ascending order, without sorting them all."""
    least = np.iinfo(flat.dtype).min
    return np.flatnonzero(np.bincount(flat.astype(np.int64) - least)) + least


def _packed_words(flat: Array, bits: int) -> bytes:
    """Values in a stream of words, the first value in the lowest bits."""
    stream = ((flat.astype(np.int64) + (1 << (bits - 1)))[:, None] >> np.arange(bits)) & 1
    word = _BYTE if bits < _BYTE else _WORD
    padded = np.zeros(-(-stream.size // word) * word, np.uint8)
    padded[: stream.size] = stream.reshape(-1)
    # Words are little-endian, so the lowest bit of the first byte comes first in both widths.
    return np.packbits(padded, bitorder="little").tobytes()


def _unpacked_words(stream: bytes, count: int, bits: int) -> Array:
    found = np.unpackbits(np.frombuffer(stream, np.uint8), bitorder="little")
    if found.size < count * bits:
        message = "the stream of a packed weight is too short"
        raise ValueError(message)
    values = found[: count * bits].reshape(count, bits).astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))
    return np.asarray(values - (1 << (bits - 1)))


def _stored(positions: Array, size: int, gap_bits: int) -> Array:
    """Positions to store: the kept ones, and one every 2**gap_bits where nothing is kept for longer."""
    reach = 1 << gap_bits
    bounds = np.concatenate(([-1], positions, [size]))
    extra = [np.arange(a + reach, b, reach) for a, b in pairwise(bounds) if b - a > reach]
    return np.sort(np.concatenate([positions, *extra])) if extra else positions


def _index_bits(distinct: int) -> int:
    return max(distinct - 1, 0).bit_length()


def _bytes(bits: int) -> int:
    return -(-bits // _BYTE)


def _table_bits(distinct: Array, bits: int) -> tuple[Array, Array]:
    return _bits([distinct.size % (1 << bits)], bits), _bits(distinct.astype(np.int64) + (1 << (bits - 1)), bits)


def _bits(numbers: Array | list[int], width: int) -> Array:
    """Numbers as bits, most significant first."""
    shifts = np.arange(width, dtype=np.int64)[::-1]
    return ((np.asarray(numbers, np.int64)[:, None] >> shifts) & 1).astype(np.uint8).reshape(-1)


def _pack(*parts: Array) -> bytes:
    return np.packbits(np.concatenate(parts)).tobytes()
