"""How the official converter 2.0.0 shrinks a tensor that is already quantized to 8 bits (`enable_encode`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BITS, Q_MIN = 8, -128
RAW, INDEXING, SPARSE = 0, 1, 2  # WeightQuantCompressType
SPARSE_HEAD = 8 + 32  # bits of the coordinate width and of the count of stored values
COORDINATE_WIDTHS = range(2, 11)


@dataclass
class BitWriter:
    """A stream of bits, most significant first; the last byte is filled up with zero bits."""

    bits: str = ""

    def add(self, value: int, width: int) -> None:
        """Append the low `width` bits; a width of 0 appends nothing."""
        self.bits += format(value % (1 << width), f"0{width}b") if width else ""

    def add_table(self, distinct: Sequence[int]) -> None:
        """Append the count (0 stands for 256), then the distinct values, biased by 128."""
        self.add(len(distinct), BITS)
        for value in distinct:
            self.add(value - Q_MIN, BITS)

    def to_bytes(self) -> bytes:
        return bytes(int(self.bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(self.bits), 8))


def stored_positions(flat: Sequence[int], zero_points: Sequence[int], width: int) -> list[int]:
    """Positions that the sparse layout keeps: not the zero point, or `2**width` after the last one kept.

    Channels are taken as equal runs of the flat data whatever the channel axis is. The official code does so, too.
    """
    stored, previous, run = [], -1, len(flat) // len(zero_points)
    for i, value in enumerate(flat):
        if value != zero_points[i // run] or i - previous >= 1 << width:
            stored.append(i)
            previous = i
    return stored


def indexed(flat: Sequence[int], distinct: Sequence[int], index_width: int) -> bytes:
    """The table of distinct values, then for every element its index in the table."""
    index = {value: i for i, value in enumerate(distinct)}
    writer = BitWriter()
    writer.add_table(distinct)
    for value in flat:
        writer.add(index[value], index_width)
    return writer.to_bytes()


def sparse(flat: Sequence[int], distinct: Sequence[int], index_width: int, stored: Sequence[int], width: int) -> bytes:
    """Coordinate width, count, table, index of every stored value, then the gap before each of them."""
    index = {value: i for i, value in enumerate(distinct)}
    writer = BitWriter()
    writer.add(width, 8)
    writer.add(len(stored), 32)
    writer.add_table(distinct)
    for i in stored:
        writer.add(index[flat[i]], index_width)
    for i, previous in zip(stored, [-1, *stored], strict=False):
        writer.add(i - previous - 1, width)
    return writer.to_bytes()


def compress(q: NDArray[np.int8], zero_points: Sequence[int]) -> tuple[bytes, int]:
    """The smallest of raw, indexed and sparse with its type; on a tie raw wins, then indexed."""
    flat = [int(value) for value in q.ravel()]
    distinct = sorted(set(flat))
    index_width = int(np.ceil(np.log2(len(distinct))))
    stored = {width: stored_positions(flat, zero_points, width) for width in COORDINATE_WIDTHS}
    sparse_bits, width = min((len(stored[w]) * (w + index_width), w) for w in COORDINATE_WIDTHS)
    table_bits = BITS + BITS * len(distinct)
    indexed_size = -(-(table_bits + index_width * len(flat)) // 8)
    sparse_size = -(-(SPARSE_HEAD + table_bits + sparse_bits) // 8)
    if len(flat) <= min(indexed_size, sparse_size):
        return q.tobytes(), RAW
    if indexed_size <= sparse_size:
        return indexed(flat, distinct, index_width), INDEXING
    return sparse(flat, distinct, index_width, stored[width], width), SPARSE


def decompress(data: bytes, compression: int, count: int, zero_points: Sequence[int]) -> NDArray[np.int8]:
    """The `count` values of a tensor, whatever its layout."""
    if compression == RAW:
        return np.frombuffer(data, np.int8)
    bits = "".join(f"{byte:08b}" for byte in data)
    position = 0

    def take(width: int) -> int:
        nonlocal position
        position += width
        return int(bits[position - width : position], 2) if width else 0

    width, stored = (take(8), take(32)) if compression == SPARSE else (0, count)
    distinct = take(BITS) or 1 << BITS
    table = [take(BITS) + Q_MIN for _ in range(distinct)]
    index_width = int(np.ceil(np.log2(distinct)))
    kept = [table[take(index_width)] for _ in range(stored)]
    if compression == INDEXING:
        return np.array(kept, np.int8)
    run = count // len(zero_points)
    values = np.array([zero_points[i // run] for i in range(count)], np.int8)
    at = -1
    for value in kept:
        at += take(width) + 1
        values[at] = value
    return values
