"""`scons models-verify` against every way in which a target can be spoiled after its build."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scons_project import Project


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _flip_keeping_times(path: Path) -> None:
    """What a failing disk does: neither size nor time stamp move."""
    status = path.stat()
    _flip(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


SPOILS = {
    "one bit": _flip,
    "one bit, same times": _flip_keeping_times,
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_spoiled_model_is_found_and_made_again(built: Project, spoil: Callable[[Path], object]) -> None:
    model = built.path / "build/lenet.ms"
    good = model.read_bytes()
    spoil(model)
    assert built.is_up_to_date(), "SCons itself does not look at targets"
    ran = built.run("models-verify")
    assert ran.code == 2
    assert ran.err == "scons: *** [models-verify] build/lenet.ms: error[E501]: damaged after it was built; deleted\n"
    assert built.build().converted == ["lenet.ms"]
    assert model.read_bytes() == good
    assert built.build("models-verify").out == "1 models verified\n"


def test_model_that_is_gone_is_made_again(built: Project) -> None:
    (built.path / "build/lenet.ms").unlink()
    ran = built.build("models-verify")
    assert ran.converted == ["lenet.ms"]
    assert ran.out.endswith("1 models verified\n")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"models": {"build/lenet.ms": {}}}'])
def test_spoiled_manifest_is_named_and_made_again(built: Project, content: str) -> None:
    built.write("build/models.json", content)
    ran = built.run("models-verify")
    assert ran.code == 2
    assert "scons: *** [models-verify] build/models.json: error[E501]: damaged after it was built; deleted" in ran.err
    assert "Traceback" not in ran.err
    built.build()
    assert built.build("models-verify").out == "1 models verified\n"
