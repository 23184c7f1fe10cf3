"""Plugins through the entry point group `mslite.passes`: the sample, and what cannot be used."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.command import run_converter
from support.mindir import node_of, parsed, written
from support.zoo import LENET_INFERENCE, ROOT

from converter import plugins
from converter.errors import ConversionError
from converter.fingerprint import code_hash
from converter.mslite.reader import read_model
from converter.passes.base import Pass
from converter.passes.pipeline import PIPELINE
from converter.reference import Session

if TYPE_CHECKING:
    from pathlib import Path

    from converter.ir import Model

SAMPLE = ROOT / "samples" / "plugin"


def nothing(_model: Model) -> bool:
    """Change nothing."""
    return False


GOOD = (Pass("first-of-two", nothing), Pass("second-of-two", nothing, after=("adapt-operators",)))
TEXT = "a string"
SAME_NAME = Pass("schedule", nothing)
NOWHERE = Pass("lost", nothing, after=("no-such-pass",))


@pytest.fixture
def sinh_model(tmp_path: Path) -> Path:
    """LeNet with Sinh in the place of its first ReLU."""
    proto = parsed(LENET_INFERENCE)
    node_of(proto.graph, "ReLU", proto).op_type = "Sinh"
    return written(proto, tmp_path, "sinh.mindir")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with what installing the sample leaves there."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "mslite_sinh.py").write_bytes((SAMPLE / "mslite_sinh.py").read_bytes())
    text = (SAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'\[project\.entry-points\."(.+)"\]\n(\w+) = "(.+)"', text)
    assert found is not None
    group, name, value = found.groups()
    information = folder / "mslite_sinh-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mslite-sinh\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n", encoding="utf-8")
    return folder


def test_the_sample_adds_an_operator(sinh_model: Path, installed: Path, tmp_path: Path) -> None:
    flags = ["--fmk=MINDIR", f"--modelFile={sinh_model}", f"--outputFile={tmp_path / 'sinh.ms'}"]
    without = run_converter(flags, tmp_path)
    assert without.code != 0
    assert "Sinh" in without.stderr
    path = f"{ROOT}:{installed}"
    done = run_converter(flags, tmp_path, {"PYTHONPATH": path})
    assert (done.code, done.stderr) == (0, "")
    session = Session(read_model(tmp_path / "sinh.ms"))
    seen: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    session.on_kernel = lambda _position, node, outputs: seen.update({node.name: outputs[0]})
    session.infer([np.random.default_rng(3).normal(size=(4, 32, 32, 1)).astype(np.float32)])
    name = next(each for each in seen if each.endswith("_sinh"))
    source = next(each for each in seen if each.endswith("Conv2D-op1") or "BiasAdd" in each)
    np.testing.assert_allclose(seen[name], np.sinh(seen[source]), rtol=1e-4, atol=1e-5)


def offer(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Let these entry points be installed."""
    found = [metadata.EntryPoint(name, f"{__name__}:{value}", plugins.GROUP) for name, value in values.items()]
    monkeypatch.setattr(plugins, "entry_points", lambda *, group: found if group == plugins.GROUP else [])


def test_without_plugins_the_pipeline_is_the_same() -> None:
    assert plugins.with_plugins(PIPELINE) is PIPELINE


def test_passes_stand_behind_those_that_they_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, good="GOOD")
    names = [each.name for each in plugins.with_plugins(PIPELINE)]
    assert names[0] == "first-of-two"
    assert names[names.index("adapt-operators") + 1] == "second-of-two"


def test_everything_that_cannot_be_used_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, a="TEXT", b="SAME_NAME", c="NOWHERE", d="MISSING")
    with pytest.raises(ConversionError) as caught:
        plugins.with_plugins(PIPELINE)
    assert {problem.code for problem in caught.value.problems} == {"E902"}
    assert [problem.message for problem in caught.value.problems] == [
        "the plugin 'a' is a str, not a Pass or a tuple of them",
        "the pass 'schedule' of the plugin 'b' has the name of another pass",
        "the pass 'lost' of the plugin 'c' follows 'no-such-pass', which is no pass",
        f"the plugin 'd' cannot be loaded: AttributeError: module '{__name__}' has no attribute 'MISSING'",
    ]


def test_a_changed_plugin_is_another_converter(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert tmp_path
    before = code_hash()
    monkeypatch.syspath_prepend(str(installed))
    with_plugin = code_hash()
    assert with_plugin != before
    module = installed / "mslite_sinh.py"
    module.write_text(module.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert code_hash() not in (before, with_plugin)
