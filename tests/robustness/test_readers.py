"""Every reader agrees: FlatBuffers' own verifier, built from our schema, and Netron's parser.

The official runtime reads the same files in tests/oracle/test_oracle_readers.py.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.zoo import ROOT

from converter._generated.ms_fields import ENUMS, TABLES
from converter.mslite.reader import read_model

if TYPE_CHECKING:
    from converter.ir import Graph, Node

HERE = Path(__file__).resolve().parent
SCHEMA = ROOT / "converter" / "_generated" / "ms.fbs"
NETRON_FILES = ("flatbuffers.js", "mslite.js", "mslite-schema.js", "mslite-metadata.json")


def need(tools: tuple[str, ...], debian: str, *, demanded: bool) -> None:
    """Leave the test where a tool is missing, unless it is demanded."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        message = f"{', '.join(missing)} not installed (Debian packages {debian})"
        assert not demanded, message
        pytest.skip(message)


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- FlatBuffers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory, demanded: bool) -> Path:
    """The compiled verifier."""
    need(("flatc", "g++"), "flatbuffers-compiler libflatbuffers-dev g++", demanded=demanded)
    folder = tmp_path_factory.mktemp("verifier")
    run("flatc", "--cpp", "-o", folder, SCHEMA)
    run("g++", "-std=c++17", f"-I{folder}", HERE / "flatbuffers_verifier.cc", "-o", folder / "verifier")
    return folder / "verifier"


def test_the_flatbuffers_verifier_accepts_every_file(verifier: Path, written: list[Path]) -> None:
    assert run(verifier, *written) == ""


def test_the_flatbuffers_verifier_refuses_a_file_that_is_cut(
    verifier: Path, written: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "cut.ms").write_bytes(written[0].read_bytes()[:-64])
    done = subprocess.run([verifier, tmp_path / "cut.ms"], capture_output=True, check=False)
    assert done.returncode == 1


# -- Netron ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, demanded: bool, written: list[Path]) -> list[dict[str, Any]]:
    """What Netron says about each written file."""
    need(("node",), "nodejs", demanded=demanded)
    spec = find_spec("netron")
    assert spec is not None, "the Python package netron is one of the extra `dev`"
    assert spec.origin is not None
    folder = tmp_path_factory.mktemp("netron")
    for name in NETRON_FILES:
        shutil.copy(Path(spec.origin).with_name(name), folder)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return [json.loads(line) for line in run("node", HERE / "netron_reader.mjs", folder, *written).splitlines()]


def is_same(kind: str, ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - whatever a field holds
    """Whether Netron shows this value of a field; of an enum it shows the name."""
    if kind in ENUMS and isinstance(theirs, str):
        return bool(ENUMS[kind][theirs] == ours)
    if isinstance(ours, tuple):
        return len(ours) == len(theirs) and all(map(is_same, [kind] * len(ours), ours, theirs))
    return bool(ours == theirs)


def differences(node: Node, theirs: dict[str, Any]) -> list[str]:
    """What Netron shows otherwise of a node."""
    names = [[value.name for value in values] for values in (node.inputs, node.outputs)]
    found = (
        []
        if (node.op, node.name, *names) == tuple(theirs[key] for key in ("type", "name", "inputs", "outputs"))
        else ["itself"]
    )
    attributes = theirs["attributes"]
    found += [name for name in node.attrs if name not in attributes]
    known = [name for name in node.attrs if name in attributes]
    return found + [name for name in known if not is_same(TABLES[node.op][name][0], node.attrs[name], attributes[name])]


def interface(graph: Graph) -> list[list[str]]:
    return [[value.name for value in values] for values in (graph.inputs, graph.outputs)]


def test_netron_names_every_attribute_and_shows_its_value(written: list[Path], shown: list[dict[str, Any]]) -> None:
    wrong: list[str] = []
    for path, theirs in zip(written, shown, strict=True):
        model = read_model(path)
        graphs = theirs["graphs"]
        assert [interface(graph) for graph in model.graphs] == [[graph["inputs"], graph["outputs"]] for graph in graphs]
        for graph, other in zip(model.graphs, graphs, strict=True):
            for node, each in zip(graph.nodes, other["nodes"], strict=True):
                wrong += [f"{path.name}: {node.name}: {name}" for name in differences(node, each)]
    assert wrong == []


def test_netron_shows_the_version(shown: list[dict[str, Any]]) -> None:
    assert {each["format"] for each in shown} == {"MindSpore Lite v2.0.0"}
