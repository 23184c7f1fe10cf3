"""Every way to fail that the issue names: exact output, exact exit code, and nothing left behind.

Each folder `NNN-<what>/` holds `flags` (one a line), `model` (a recipe below and its arguments), `expected.txt`, and
files that are copied into the working directory. `pytest --update-golden` writes `expected.txt`.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command import files_below
from support.mindir import node_of, parsed, written
from support.zoo import SPLIT, Recording

from converter.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).resolve().parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "flags").exists())
OWN_FILES = {"flags", "model", "expected.txt"}


def recording(name: str) -> Recording:
    version, _, case = name.partition("/")
    return Recording(version, case)


def copy(folder: Path, name: str) -> None:
    shutil.copy(recording(name).model, folder / "net.mindir")


def truncated(folder: Path, name: str, length: str) -> None:
    (folder / "net.mindir").write_bytes(recording(name).model.read_bytes()[: int(length)])


def empty(folder: Path) -> None:
    (folder / "net.mindir").write_bytes(b"")


def noise(folder: Path, seed: str) -> None:
    (folder / "net.mindir").write_bytes(random.Random(int(seed)).randbytes(1009))  # noqa: S311 - a repeatable file


def encrypted(folder: Path) -> None:
    (folder / "net.mindir").write_bytes(b"\xd8\x5e\x3a\x7f" + bytes(1009))


def version(folder: Path, name: str, number: str) -> None:
    proto = parsed(recording(name))
    proto.mind_ir_version = int(number)
    written(proto, folder)


def renamed(folder: Path, name: str, *operators: str) -> None:
    """Operators renamed in pairs: old, new."""
    proto = parsed(recording(name))
    for old, new in zip(operators[::2], operators[1::2], strict=True):
        node = node_of(proto.graph, old, proto)
        primitive = next(each for each in proto.primitives if f"REF::{each.name}" == node.op_type)
        primitive.op_type = new
    written(proto, folder)


def updating(folder: Path, name: str) -> None:
    """A network that also assigns a parameter to itself, which makes a training step of it."""
    proto = parsed(recording(name))
    parameter = proto.graph.parameter[0].name
    proto.graph.node.add(op_type="Assign", name="Assign-op1", input=[parameter, parameter], output=["assigned"])
    written(proto, folder)


def unknown_attribute(folder: Path, name: str, op: str, attribute: str) -> None:
    proto = parsed(recording(name))
    primitive = next(each for each in proto.primitives if each.op_type == op)
    primitive.attribute.add(name=attribute, type=7, i=3)
    written(proto, folder)


def split_without_weights(folder: Path) -> None:
    shutil.copy(SPLIT.model, folder / "net.mindir")


def nothing(_folder: Path) -> None:
    """No model at all."""


RECIPES: Mapping[str, Callable[..., None]] = {
    each.__name__: each
    for each in (
        copy,
        truncated,
        empty,
        noise,
        encrypted,
        version,
        renamed,
        unknown_attribute,
        updating,
        split_without_weights,
        nothing,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_failure(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    update_golden: bool,
) -> None:
    folder = HERE / case
    for path in folder.iterdir():
        if path.name not in OWN_FILES:
            shutil.copy(path, tmp_path)
    recipe, *arguments = (folder / "model").read_text(encoding="utf-8").split()
    RECIPES[recipe](tmp_path, *arguments)
    before = files_below(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = main((folder / "flags").read_text(encoding="utf-8").splitlines())
    printed = capsys.readouterr()
    text = f"exit code {code}\n--- stdout\n{printed.out}--- stderr\n{printed.err}"
    if update_golden:
        (folder / "expected.txt").write_text(text, encoding="utf-8", newline="\n")
    assert text == (folder / "expected.txt").read_text(encoding="utf-8")
    assert files_below(tmp_path) == before
    assert code != 0
    assert "error[E9" not in text
