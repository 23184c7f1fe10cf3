"""Output files: whole or not there, with the user's mode, and nothing left beside them."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support.command import files_below

from converter.errors import ConversionError
from converter.output import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def write(target: Path, data: bytes) -> None:
    with replacing(target) as file:
        file.write(data)


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "net.ms"
    with replacing(target) as file:
        file.write(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert files_below(tmp_path) == {"net.ms"}


def test_an_old_file_is_replaced_at_once(tmp_path: Path) -> None:
    target = tmp_path / "net.ms"
    target.write_bytes(b"old")
    with replacing(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


def test_a_read_only_old_file_is_replaced_as_the_official_converter_does(tmp_path: Path) -> None:
    target = tmp_path / "net.ms"
    target.write_bytes(b"old")
    target.chmod(0o400)
    write(target, b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0, 0o666)])
def test_the_mode_is_what_the_umask_leaves(tmp_path: Path, mask: int, mode: int) -> None:
    with umask(mask):
        write(tmp_path / "net.ms", b"data")
        assert os.umask(mask) == mask, "the umask itself is not changed"
    assert stat.S_IMODE((tmp_path / "net.ms").stat().st_mode) == mode


def test_missing_directories_are_created(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b c" / "net.ms", b"data")
    assert (tmp_path / "a" / "b c" / "net.ms").read_bytes() == b"data"


def fail_in_the_middle(target: Path, reason: BaseException) -> None:
    with replacing(target) as file:
        file.write(b"half")
        raise reason


@pytest.mark.parametrize("reason", [ValueError("bug"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_in_the_block_leaves_the_target_and_nothing_else(tmp_path: Path, reason: BaseException) -> None:
    target = tmp_path / "net.ms"
    target.write_bytes(b"old")
    with pytest.raises((type(reason), ConversionError)):
        fail_in_the_middle(target, reason)
    assert target.read_bytes() == b"old"
    assert files_below(tmp_path) == {"net.ms"}


def test_a_full_disk_is_a_located_problem(tmp_path: Path) -> None:
    target = tmp_path / "net.ms"
    with pytest.raises(ConversionError) as caught:
        fail_in_the_middle(target, OSError(28, "No space left on device"))
    assert str(caught.value) == f"{target}: error[E120]: the output cannot be written: No space left on device"


def test_a_parent_that_is_a_file_is_a_located_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    target = tmp_path / "file" / "net.ms"
    with pytest.raises(ConversionError) as caught:
        write(target, b"data")
    (problem,) = caught.value.problems
    message = f"the output cannot be written: '{tmp_path / 'file'}' is no directory"
    assert (problem.code, problem.path, problem.message) == ("E120", str(target), message)
    assert files_below(tmp_path) == {"file"}


def test_a_target_that_is_a_directory_is_a_located_problem(tmp_path: Path) -> None:
    (tmp_path / "net.ms").mkdir()
    with pytest.raises(ConversionError) as caught:
        write(tmp_path / "net.ms", b"data")
    assert [problem.code for problem in caught.value.problems] == ["E120"]
    assert files_below(tmp_path) == {"net.ms"}


def test_a_long_file_name_can_be_written(tmp_path: Path) -> None:
    """The temporary name was longer than the target's, and too long for the file system."""
    target = tmp_path / ("n" * 252 + ".ms")
    write(target, b"data")
    assert files_below(tmp_path) == {target.name}
