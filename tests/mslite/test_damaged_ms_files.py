"""A `.ms` file that is missing, foreign, cut or changed raises `ConversionError` and nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import structure
from support.refusals import refusals
from support.samples import constant_arithmetic
from support.zoo import LENET_INFERENCE

from converter.api import convert
from converter.errors import ConversionError
from converter.mslite.reader import parse_model, read_model
from converter.mslite.writer import lay_out
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from pathlib import Path


@cache
def tiny_file() -> bytes:
    return b"".join(map(bytes, lay_out(constant_arithmetic()).chunks()))


@cache
def lenet_tables() -> bytes:
    """The part of a LeNet file that has structure; its weights are cut off."""
    return convert(LENET_INFERENCE.model, ConvertOptions()).layout.tables


def read_all(data: bytes) -> None:
    """Read everything there is; a damaged file is one of two things."""
    problems = refusals(lambda: structure(parse_model(data, "net.ms")))
    assert {(problem.code, problem.path) for problem in problems} <= {("E310", "net.ms")}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"MSL2", "not a .ms file: the identifier 'MSL2' is missing"),
        (b"\0\0\0\0TFL3" + bytes(97), "not a .ms file: the identifier 'MSL2' is missing"),
    ],
)
def test_foreign_files_are_named(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.ms"
    path.write_bytes(data)
    with pytest.raises(ConversionError) as caught:
        read_model(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message, problem.path) == ("E310", message, str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="cannot be read: No such file or directory"):
        read_model(tmp_path / "none.ms")


def test_a_file_cut_anywhere_is_damaged() -> None:
    whole = tiny_file()
    for length in range(0, len(whole) - 8, 7):
        with pytest.raises(ConversionError):
            parse_model(whole[:length], "net.ms")


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5))
def test_wrong_bytes_never_raise_anything_else(changes: list[tuple[float, int]]) -> None:
    data = bytearray(tiny_file())
    for place, byte in changes:
        data[int(place * len(data))] = byte
    read_all(bytes(data))


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=13))
def test_a_changed_lenet_never_raises_anything_else(place: int, change: bytes) -> None:
    data = bytearray(lenet_tables())
    start = place % (len(data) - len(change))
    data[start : start + len(change)] = change
    read_all(bytes(data) + bytes(4099))


@given(st.binary(max_size=499))
def test_random_bytes_with_the_identifier_are_damaged(data: bytes) -> None:
    read_all(data[:4].ljust(4, b"\x08") + b"MSL2" + data)


def test_every_single_wrong_byte_of_a_tiny_file() -> None:
    whole = tiny_file()
    numbers = np.random.default_rng(7).integers(0, 256, len(whole))
    for position in range(0, len(whole), 3):
        data = bytearray(whole)
        data[position] ^= int(numbers[position]) or 1
        read_all(bytes(data))
