"""What happens to a conversion: killed, no room, no rights, a model that changes under it, a clock that goes back."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.zoo import ROOT, Recording

from converter import output
from converter.api import convert_file
from converter.errors import ConversionError
from converter.ir.input_file import InputFile
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = Recording("ms200", "lenet_momentum_sparse").model
OPTIONS = ConvertOptions(train=True)
# Moments of one conversion; MSLITE_KILLS=500 for the long run.
KILLS = int(os.environ.get("MSLITE_KILLS", "12"))


def command(target: Path) -> list[str]:
    flags = ["--fmk=MINDIR", "--trainModel=true", f"--modelFile={MODEL}", f"--outputFile={target.with_suffix('')}"]
    return [sys.executable, "-m", "converter", *flags]


def test_a_killed_conversion_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "net.ms"
    start = time.monotonic()
    subprocess.run(command(target), check=True, cwd=ROOT, capture_output=True)
    duration = time.monotonic() - start
    new, old = target.read_bytes(), b"old"
    moments = random.Random(7)  # noqa: S311 - repeatable moments
    for _ in range(KILLS):
        target.write_bytes(old)
        process = subprocess.Popen(command(target), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.random() * duration)
        process.kill()
        process.wait()
        assert target.read_bytes() in (old, new)
    subprocess.run(command(target), check=True, cwd=ROOT, capture_output=True)
    assert target.read_bytes() == new


def refusal(target: Path) -> tuple[str, str]:
    with pytest.raises(ConversionError) as caught:
        convert_file(MODEL, target, OPTIONS)
    (problem,) = caught.value.problems
    return problem.code, problem.message


def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "net.ms"
    target.write_bytes(b"old")

    def full(_file: object, _handle: int, _offset: int, _length: int) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(InputFile, "copy_to", full)
    assert refusal(target) == ("E120", "the output cannot be written: No space left on device")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["net.ms"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_device_that_is_full_is_a_located_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_full_device(target: Path) -> tuple[int, Path]:
        return os.open("/dev/full", os.O_WRONLY), target.with_name("never made")

    monkeypatch.setattr(output, "_create_beside", at_full_device)
    assert refusal(tmp_path / "net.ms") == ("E120", "the output cannot be written: No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_directory_without_rights_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> int:
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(ConversionError, match=r"E120\]: the output cannot be written: Read-only file system"):
        output.replacing(tmp_path / "net.ms").__enter__()


def change_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1009)
        file.write(b"changed")
    os.utime(path, (7, 7))


def replace(path: Path) -> None:
    shutil.copy(MODEL, path.with_name("other"))
    path.with_name("other").replace(path)


@pytest.mark.parametrize("change", [change_in_place, replace, Path.unlink, lambda path: os.truncate(path, 40_009)])
def test_a_model_that_changes_during_its_conversion_is_noticed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path, target = tmp_path / "net.mindir", tmp_path / "net.ms"
    shutil.copy(MODEL, path)
    target.write_bytes(b"old")

    def watch(name: str, _model: object) -> None:
        if name == "read":
            change(path)

    with pytest.raises(ConversionError) as caught:
        convert_file(path, target, OPTIONS, watch=watch)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("E301", str(path))
    assert target.read_bytes() == b"old"


def test_a_model_from_the_future_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "net.mindir"
    shutil.copy(MODEL, path)
    os.utime(path, (1 << 33, 1 << 33))
    first, second = tmp_path / "a.ms", tmp_path / "b.ms"
    convert_file(MODEL, first, OPTIONS)
    convert_file(path, second, OPTIONS)
    assert first.read_bytes() == second.read_bytes()
