"""Entropy coding: what goes in comes out, in about as many bits as there is information."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.ops.fse import compress, decompress


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=300),
    st.integers(0, 1000),
)
def test_every_sequence_survives(levels: list[int], seed: int) -> None:
    distinct, symbols = np.unique(levels, return_inverse=True)
    numbers = np.random.default_rng(seed).normal(size=distinct.size).astype(np.float32)
    stream = compress(symbols, numbers)
    np.testing.assert_array_equal(decompress(stream, symbols.size), numbers[symbols])


@pytest.mark.parametrize("step", [0.05, 0.5, 2.0])
def test_the_size_comes_close_to_the_entropy(step: float) -> None:
    levels = np.rint(np.random.default_rng(3).normal(size=20011) / step).astype(int)
    distinct, symbols, counts = np.unique(levels, return_inverse=True, return_counts=True)
    shares = counts / counts.sum()
    entropy = -float(np.sum(shares * np.log2(shares))) * symbols.size / 8
    tables = 8 + 8 * distinct.size + 8
    assert len(compress(symbols, distinct.astype(np.float32))) < 1.02 * entropy + tables + 16


def test_a_constant_weight_takes_no_bits() -> None:
    stream = compress(np.zeros(5003, np.int64), np.array([0.25], np.float32))
    np.testing.assert_array_equal(decompress(stream, 5003), np.full(5003, 0.25, np.float32))


@pytest.mark.parametrize("cut", [3, 10, 40])
def test_a_short_stream_is_an_error(cut: int) -> None:
    levels = np.rint(np.random.default_rng(3).normal(size=503) * 3).astype(int)
    distinct, symbols = np.unique(levels, return_inverse=True)
    stream = compress(symbols, distinct.astype(np.float32))
    with pytest.raises((ValueError, IndexError, struct.error)):
        decompress(stream[:cut], 503)
