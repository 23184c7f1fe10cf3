"""The compressed layouts, without the oracle: what the rules write, they read back."""

from __future__ import annotations

import numpy as np
import pytest
from compression_rules import INDEXING, RAW, SPARSE, compress, decompress
from hypothesis import given
from hypothesis import strategies as st

SAMPLES = {
    RAW: (np.arange(-128, 127).astype(np.int8), [0]),
    INDEXING: (np.array([-128] * 307, np.int8), [-128]),
    SPARSE: (np.array(([5] * 97 + [-7, 11]) * 11, np.int8), [5]),
}


@pytest.mark.parametrize("layout", SAMPLES)
def test_the_smallest_layout_is_chosen(layout: int) -> None:
    q, zero_points = SAMPLES[layout]
    data, chosen = compress(q, zero_points)
    assert chosen == layout
    assert len(data) <= q.size


def test_a_tensor_of_one_value_takes_two_bytes() -> None:
    assert compress(np.full(48_000, -128, np.int8), [-128]) == (b"\x01\x00", INDEXING)


@given(
    levels=st.lists(st.sampled_from([-128, -7, 0, 5, 127]), min_size=2, max_size=307),
    zero_point=st.sampled_from([-7, 0, 5]),
    repeats=st.integers(1, 13),
    channels=st.sampled_from([1, 2]),
)
def test_every_layout_reads_back(levels: list[int], zero_point: int, repeats: int, channels: int) -> None:
    flat = np.repeat(np.array(levels * channels, np.int8), repeats)
    zero_points = [zero_point, 5][:channels]
    data, layout = compress(flat, zero_points)
    np.testing.assert_array_equal(decompress(data, layout, flat.size, zero_points), flat)
