"""A file that is read by position: windows, pieces, kernel copies, and files that change under us."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.errors import ConversionError
from converter.ir import ArrayTensor, DType, FileTensor, TransposedTensor
from converter.ir.input_file import InputFile

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 300_007
DATA = random.Random(7).randbytes(SIZE)  # noqa: S311 - a repeatable file


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


def test_bytes_are_those_of_the_file_in_any_order(path: Path) -> None:
    file = InputFile(path)
    assert len(file) == SIZE
    for place in (SIZE - 1, 0, 65_535, 65_536, 3):
        assert file[place] == DATA[place]
        assert file[place : place + 70_001] == DATA[place : place + 70_001]


@pytest.mark.parametrize("has_kernel_copy", [True, False])
def test_a_tensor_is_copied_whole(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_kernel_copy: bool
) -> None:
    if not has_kernel_copy:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
        monkeypatch.delattr(os, "preadv", raising=False)
    with (tmp_path / "out").open("wb") as out:
        out.write(b"head")
        FileTensor(DType.UINT8, (SIZE - 5,), InputFile(path), 5).write_to(out)
        out.write(b"tail")
    assert (tmp_path / "out").read_bytes() == b"head" + DATA[5:] + b"tail"


@given(st.lists(st.integers(1, 37), min_size=1, max_size=4), st.randoms())
def test_transposed_pieces_are_the_bytes_of_the_transposed_array(shape: list[int], order: random.Random) -> None:
    perm = list(range(len(shape)))
    order.shuffle(perm)
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    tensor = TransposedTensor(ArrayTensor.of(values), tuple(perm))
    assert b"".join(tensor.chunks()) == values.transpose(perm).tobytes()


def test_a_large_transposed_tensor_comes_in_small_pieces(path: Path) -> None:
    tensor = TransposedTensor(FileTensor(DType.UINT8, (2, 149_993), InputFile(path), 0), (1, 0))
    pieces = list(tensor.chunks())
    assert max(map(len, pieces)) <= 1 << 17
    assert b"".join(pieces) == np.frombuffer(DATA[: 2 * 149_993], np.uint8).reshape(2, -1).T.tobytes()


def test_a_file_cut_short_is_said_to_be(path: Path) -> None:
    file = InputFile(path)
    os.truncate(path, 1009)
    with pytest.raises(ConversionError, match=r"E301\]: the file became shorter while it was read"):
        FileTensor(DType.UINT8, (SIZE,), file, 0).array()


@pytest.mark.parametrize("change", ["write", "replace", "remove"])
def test_a_changed_file_is_noticed(path: Path, change: str) -> None:
    file = InputFile(path)
    assert file.is_unchanged
    if change == "write":
        with path.open("r+b") as other:
            other.write(b"new")
        os.utime(path, (7, 7))
    elif change == "replace":
        other_path = path.with_name("other")
        other_path.write_bytes(DATA)
        os.utime(other_path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other_path.replace(path)
    else:
        path.unlink()
    with pytest.raises(ConversionError, match=r"E301\]: the file was changed during the conversion"):
        file.check_unchanged()


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        InputFile(tmp_path / "pipe")
