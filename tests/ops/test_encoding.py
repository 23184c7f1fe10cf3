"""Compressed layouts of int8 weights: what is encoded is decoded, in the size that the layout says, or not at all."""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.ops.encoding import Encoding, decode, encode

SHAPES = st.sampled_from([(1,), (7,), (2, 3), (11, 13), (3, 101), (5, 7, 11), (2, 3, 5, 7), (23, 127)])
LEVELS = st.sampled_from([1, 2, 3, 5, 16, 17, 255, 256])


def weights(shape: tuple[int, ...], levels: int, zeros: float, zero_points: list[int], seed: int) -> np.ndarray:
    """Random levels, most of them equal to the zero point of their run."""
    generator = np.random.default_rng(seed)
    numbers = generator.integers(-128, -128 + levels, int(np.prod(shape)))
    rest = np.repeat(zero_points, -(-numbers.size // len(zero_points)))[: numbers.size]
    return np.where(generator.random(numbers.size) < zeros, rest, numbers).astype(np.int8).reshape(shape)


@given(SHAPES, LEVELS, st.sampled_from([0.0, 0.5, 0.97, 1.0]), st.integers(-128, 127), st.integers(0, 99))
def test_what_is_encoded_is_decoded(
    shape: tuple[int, ...], levels: int, zeros: float, zero_point: int, seed: int
) -> None:
    zero_points = [zero_point, (zero_point + 5) % 128] if shape[0] % 2 == 0 else [zero_point]
    values = weights(shape, levels, zeros, zero_points, seed)
    stored = encode(values, zero_points)
    if stored is None:
        return
    assert stored.nbytes < values.size, "smaller than a byte a value"
    assert (stored.shape, stored.size) == (shape, values.size)
    assert b"".join(bytes(chunk) for chunk in stored.chunks()) == stored.stream
    back = decode(stored.stream, stored.encoding, shape, zero_points)
    np.testing.assert_array_equal(back.array(), values)
    np.testing.assert_array_equal(stored.array(), values)


@given(SHAPES, st.sampled_from([2, 3, 5, 16, 17]), st.integers(0, 99))
def test_the_size_of_an_indexed_weight(shape: tuple[int, ...], levels: int, seed: int) -> None:
    values = weights(shape, levels, 0.0, [127], seed)
    stored = encode(values, [127])
    distinct = np.unique(values).size
    if stored is not None and stored.encoding is Encoding.INDEXING:
        assert stored.nbytes == ceil((8 + 8 * distinct + values.size * ceil(log2(distinct))) / 8)


def test_a_weight_of_many_levels_stays_as_it_is() -> None:
    values = np.arange(-128, 128, dtype=np.int16).astype(np.int8)
    assert encode(np.tile(values, 3), [0]) is None


def test_a_mostly_zero_weight_is_sparse() -> None:
    values = np.zeros((11, 101), np.int8)
    values[::3, ::17] = np.arange(24, dtype=np.int8).reshape(4, 6)
    stored = encode(values, [0])
    assert stored is not None
    assert stored.encoding is Encoding.SPARSE


@pytest.mark.parametrize("encoding", [Encoding.INDEXING, Encoding.SPARSE])
@given(stream=st.binary(max_size=97))
def test_random_streams_are_decoded_or_refused(encoding: Encoding, stream: bytes) -> None:
    try:
        decoded = decode(stream, encoding, (7, 11), [0])
    except (ValueError, IndexError):
        return
    assert decoded.shape == (7, 11)


def test_a_stream_that_is_too_short_is_said_to_be() -> None:
    values = np.zeros((11, 101), np.int8)
    values[:, ::2] = 1
    stored = encode(values, [5])
    assert stored is not None
    with pytest.raises(ValueError, match="too short"):
        decode(stored.stream[: stored.nbytes // 2], stored.encoding, values.shape, [5])
