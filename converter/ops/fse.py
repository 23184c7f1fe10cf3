"""Entropy coding of float weights in `.ms` files (weightQuantCompressType FSE): few numbers, coded by frequency.

Finite state entropy, a tabled form of asymmetric numeral systems. Layout, little-endian: u16 count of symbols, u16 log2
of the table size, u32 count of 64-bit chunks; u32 frequency of each symbol; its f32 number; the chunks; u8 bits in the
last one. Tables start at multiples of 8 bytes. Bits of a chunk come most significant first; the decoder takes them from
the end, so it gets the last weight first. Source: runtime 2.0.0, whose files were decoded.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

MOST_SYMBOLS = 1 << 12
_CHUNK_BITS = 64
_ALIGNMENT = 8
_HEAD = struct.Struct("<HHI")
# The table has about 16 states a symbol: more come closer to the entropy, and cost the device memory.
_EXTRA_LOG, _LEAST_LOG, _LARGEST_LOG = 4, 9, 15
_SPREAD = 3
_FRACTION = 16


def compress(symbols: Array, numbers: Array) -> bytes:
    """The stream of symbols (indices into `numbers`, each of which occurs)."""
    counts = np.bincount(symbols, minlength=numbers.size)
    log = min(max(int(numbers.size).bit_length() - 1 + _EXTRA_LOG, _LEAST_LOG), _LARGEST_LOG)
    frequencies = _normalized(counts, 1 << log)
    values, widths = _encode(symbols.tolist(), frequencies, log)
    bits = _bits(values, widths)
    full, rest = divmod(bits.size, _CHUNK_BITS)
    padded = np.zeros((full + 1) * _CHUNK_BITS, np.uint8)
    padded[: bits.size] = bits
    chunks = np.packbits(padded).view(">u8").astype("<u8")
    head = _HEAD.pack(numbers.size, log, full + 1)
    tables = _aligned(head + np.array(frequencies, "<u4").tobytes())
    tables = _aligned(tables + numbers.astype("<f4").tobytes())
    return tables + chunks.tobytes() + bytes([rest])


def decompress(stream: bytes, count: int) -> Array:
    """The `count` float32 numbers of a stream. Raises `ValueError` or `struct.error` for one that does not fit."""
    size, log, chunk_count = _HEAD.unpack_from(stream)
    frequencies = np.frombuffer(stream, "<u4", size, _HEAD.size).tolist()
    start = _next(_HEAD.size + 4 * size)
    numbers = np.frombuffer(stream, "<f4", size, start)
    start = _next(start + 4 * size)
    chunks = np.frombuffer(stream, "<u8", chunk_count, start)
    rest = stream[start + 8 * chunk_count]
    if sum(frequencies) != 1 << log or rest > _CHUNK_BITS:
        message = "the frequencies of a compressed weight do not fit its table"
        raise ValueError(message)
    bits = np.unpackbits(chunks.astype(">u8").view(np.uint8))[: (chunk_count - 1) * _CHUNK_BITS + rest]
    return numbers[_decode(bits, frequencies, log, count)]


def _normalized(counts: Array, size: int) -> list[int]:
    """Frequencies that add up to the table size, each at least 1; the largest gives or takes what is left."""
    found = np.maximum(1, np.floor(0.5 + counts * (size / counts.sum()))).astype(np.int64)
    while found.sum() > size:
        found[np.argmax(found)] -= 1
    found[np.argmax(found)] += size - found.sum()
    return [int(each) for each in found]


def _spread(frequencies: Sequence[int], log: int) -> list[int]:
    """The symbol of every state: occurrences of one symbol lie far apart."""
    size = 1 << log
    step, place = (size >> 1) + (size >> _SPREAD) + _SPREAD, 0
    table = [0] * size
    for symbol, frequency in enumerate(frequencies):
        for _ in range(frequency):
            table[place] = symbol
            place = (place + step) & (size - 1)
    return table


def _encode(symbols: Sequence[int], frequencies: Sequence[int], log: int) -> tuple[list[int], list[int]]:
    """What each step writes and in how many bits; the last entry is the final state."""
    size = 1 << log
    starts = np.concatenate(([0], np.cumsum(frequencies)[:-1])).tolist()
    coding, fill = [0] * size, list(starts)
    for state, symbol in enumerate(_spread(frequencies, log)):
        coding[fill[symbol]] = size + state
        fill[symbol] += 1
    most = [log - (frequency - 1).bit_length() + 1 if frequency > 1 else log for frequency in frequencies]
    thresholds = [(bits << _FRACTION) - (frequency << bits) for bits, frequency in zip(most, frequencies, strict=True)]
    offsets = [start - frequency for start, frequency in zip(starts, frequencies, strict=True)]
    values: list[int] = []
    widths: list[int] = []
    # The first symbol is coded twice; the first time only brings the coder into a state of its own.
    first = symbols[0]
    width = (size + thresholds[first]) >> _FRACTION
    state = coding[(size >> width) + offsets[first]]
    for symbol in symbols:
        width = (state + thresholds[symbol]) >> _FRACTION
        values.append(state & ((1 << width) - 1))
        widths.append(width)
        state = coding[(state >> width) + offsets[symbol]]
    return [*values, state - size], [*widths, log]


def _decode(bits: Array, frequencies: Sequence[int], log: int, count: int) -> Array:
    """Symbols, from the last to the first."""
    size = 1 << log
    table, seen = _spread(frequencies, log), list(frequencies)
    widths, bases = [0] * size, [0] * size
    for state, symbol in enumerate(table):
        widths[state] = log - (seen[symbol].bit_length() - 1)
        bases[state] = (seen[symbol] << widths[state]) - size
        seen[symbol] += 1
    text = "".join(map(str, bits.tolist()))
    end = len(text) - log
    state = int(text[end:], 2)
    found = np.zeros(count, np.int64)
    for place in range(count - 1, -1, -1):
        found[place] = table[state]
        width = widths[state]
        end -= width
        if end < 0:
            message = "the stream of a compressed weight is too short"
            raise ValueError(message)
        state = bases[state] + (int(text[end : end + width], 2) if width else 0)
    return found


def _bits(values: Sequence[int], widths: Sequence[int]) -> Array:
    """Numbers of different widths as bits, most significant first."""
    numbers, sizes = np.array(values, np.int64), np.array(widths, np.int64)
    ends = np.cumsum(sizes)
    places = np.arange(ends[-1])
    owner = np.repeat(np.arange(sizes.size), sizes)
    return ((numbers[owner] >> (ends[owner] - 1 - places)) & 1).astype(np.uint8)


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


def _next(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT
