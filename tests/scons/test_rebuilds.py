"""What runs a conversion again, and what does not: each case with real scons, each followed by an up-to-date build."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG, MODELS, SCONSTRUCT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scons_project import Project

    Edit = Callable[[Project], object]

CALIBRATED = CONFIG + "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=2\ninput_type=BIN\n"


def _edit_model(project: Project) -> None:
    # An unknown protobuf field at the end of the message: other bytes, the same model.
    with (project.path / "models/lenet.mindir").open("ab") as stream:
        stream.write(b"\x92\x3f\x01x")


def _later(project: Project, name: str) -> None:
    path = project.path / name
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime + 7))


def _config(text: str) -> Edit:
    return lambda project: project.write("models/lenet.cfg", text)


def _sconstruct(old: str, new: str) -> Edit:
    assert old in SCONSTRUCT
    return lambda project: project.write("SConstruct", SCONSTRUCT.replace(old, new))


REBUILDS: dict[str, Edit] = {
    "model bytes": _edit_model,
    "config value": _config(CONFIG.replace("min_quant_weight_size=0", "min_quant_weight_size=11")),
    "config key added": _config(CONFIG + "skip_quant_node=conv1\n"),
    "config removed": _sconstruct(", MSLITE_CONFIG='models/lenet.cfg'", ""),
    "flag": _sconstruct("MSLITE_CONFIG", "MSLITE_FLAGS=['--optimize=none'], MSLITE_CONFIG"),
    "flag in the environment": _sconstruct("ENV={}", "ENV={}, MSLITE_FLAGS='--optimize=none'"),
    "target deleted": lambda project: (project.path / "build/lenet.ms").unlink(),
    "record deleted": lambda project: (project.path / "build/lenet.ms.record.json").unlink(),
}

KEEPS: dict[str, Edit] = {
    "nothing": lambda _project: None,
    "model time stamp": lambda project: _later(project, "models/lenet.mindir"),
    "config time stamp": lambda project: _later(project, "models/lenet.cfg"),
    "config comment and blank line": _config("# about\n\n" + CONFIG),
    "config key order": _config("\n".join([CONFIG.splitlines()[0], *reversed(CONFIG.splitlines()[1:])]) + "\n"),
    "config blanks around a value": _config(CONFIG.replace("bit_num=8", "bit_num = 8")),
    "config default written out": _config(CONFIG + "min_quant_weight_channel=16\n"),
    "config in another file": lambda project: (
        project.write("models/b.cfg", CONFIG),
        project.write("SConstruct", SCONSTRUCT.replace("lenet.cfg", "b.cfg")),
    ),
    "flag that says the default": _sconstruct("ENV={}", "ENV={}, MSLITE_FLAGS='--optimize=general --fp16=off'"),
    "another comment string": _sconstruct("ENV={}", "ENV={}, MSLITECOMSTR='MSLITE $TARGET'"),
    "target time stamp": lambda project: _later(project, "build/lenet.ms"),
}


@pytest.mark.parametrize("edit", REBUILDS.values(), ids=REBUILDS)
def test_this_converts_again(built: Project, edit: Edit) -> None:
    edit(built)
    assert built.build().converted == ["lenet.ms"]
    assert built.is_up_to_date()


@pytest.mark.parametrize("edit", KEEPS.values(), ids=KEEPS)
def test_this_converts_nothing(built: Project, edit: Edit) -> None:
    edit(built)
    assert built.build().converted == []
    assert built.is_up_to_date()


def test_another_place_converts_nothing(built: Project, tmp_path: Path) -> None:
    moved = built.at(tmp_path / "elsewhere" / "deeper")
    moved.path.parent.mkdir()
    built.path.rename(moved.path)
    assert moved.is_up_to_date()
    assert moved.is_up_to_date()


def test_train_switch_converts_again(empty: Project) -> None:
    empty.model("models/net.mindir", "lenet_momentum_mse")
    text = """
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')
env.MSLiteModel('build/net.ms', 'models/net.mindir', MSLITE_TRAIN={})
"""
    empty.write("SConstruct", text.format("True"))
    assert empty.build().converted == ["net.ms"]
    assert empty.manifest()["build/net.ms"]["flags"] == "train=true"
    empty.write("SConstruct", text.format("'yes'"))
    assert empty.is_up_to_date()
    empty.write("SConstruct", text.format("False"))
    ran = empty.run("models")
    assert "scons: *** [build/net.ms] models/net.mindir: error[E207]" in ran.err
    assert not (empty.path / "build/net.ms").exists()
    empty.write("SConstruct", text.format("True"))
    assert empty.build().converted == ["net.ms"]


# ----------------------------------------------------------------------------------------------------------------------
# Split weights and files that the config names


@pytest.fixture
def split(empty: Project) -> Project:
    """A model whose weights lie in a file beside it."""
    empty.model("models/lenet_split_graph.mindir", "lenet_split_graph").chmod(0o644)
    data = shutil.copytree(MODELS / "lenet_split_variables", empty.path / "models/lenet_split_variables")
    (data / "data_0").chmod(0o644)
    empty.write(
        "SConstruct",
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')\n"
        "env.MSLiteModel('build/net.ms', 'models/lenet_split_graph.mindir', MSLITE_TRAIN=True)\n",
    )
    return empty


def test_edited_split_weights_convert_again(split: Project) -> None:
    assert split.build().converted == ["net.ms"]
    before = (split.path / "build/net.ms").read_bytes()
    weights = split.path / "models/lenet_split_variables/data_0"
    data = bytearray(weights.read_bytes())
    data[64] ^= 1
    weights.write_bytes(data)
    assert split.build().converted == ["net.ms"]
    assert (split.path / "build/net.ms").read_bytes() != before
    assert split.is_up_to_date()


def test_split_weights_time_stamp_and_neighbors_convert_nothing(split: Project) -> None:
    split.build()
    _later(split, "models/lenet_split_variables/data_0")
    split.write("models/lenet_split_variables/notes.txt", "not named by the model")
    assert split.is_up_to_date()


def test_missing_split_weights_are_reported_and_then_found(split: Project) -> None:
    split.build()
    weights = split.path / "models/lenet_split_variables/data_0"
    data = weights.read_bytes()
    weights.unlink()
    ran = split.run("models")
    assert ran.code == 2
    assert "scons: *** [build/net.ms]" in ran.err
    assert "data_0" in ran.err
    assert "E306" in ran.err
    assert not (split.path / "build/net.ms").exists()
    weights.write_bytes(data)
    assert split.build().converted == ["net.ms"]
    assert split.is_up_to_date()


NAMED: dict[str, Edit] = {
    "edited": lambda project: project.write("models/samples/b.bin", "other"),
    "added": lambda project: project.write("models/samples/c.bin", "ccc"),
    "added in a sub-directory": lambda project: project.write("models/samples/deep/c.bin", "ccc"),
    "deleted": lambda project: (project.path / "models/samples/b.bin").unlink(),
    "renamed": lambda project: (project.path / "models/samples/b.bin").rename(project.path / "models/samples/z.bin"),
    "same size, same second": lambda project: project.write("models/samples/b.bin", "BBB"),
}


@pytest.fixture
def calibrated(first_calibrated: Project, tmp_path: Path) -> Project:
    """A built project whose config names a directory."""
    return first_calibrated.copy(tmp_path / "copy")


@pytest.fixture(scope="module")
def first_calibrated(first_build: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same, built once for all; not to be touched."""
    project = first_build.copy(tmp_path_factory.mktemp("calibrated") / "copy")
    project.write("models/lenet.cfg", CALIBRATED)
    project.write("models/samples/a.bin", "aaa")
    project.write("models/samples/b.bin", "bbb")
    assert project.build().converted == ["lenet.ms"]
    return project


@pytest.mark.parametrize("edit", NAMED.values(), ids=NAMED)
def test_change_in_a_named_directory_converts_again(calibrated: Project, edit: Edit) -> None:
    edit(calibrated)
    assert calibrated.build().converted == ["lenet.ms"]
    assert calibrated.is_up_to_date()


def test_time_stamp_in_a_named_directory_converts_nothing(calibrated: Project) -> None:
    _later(calibrated, "models/samples/b.bin")
    assert calibrated.is_up_to_date()


def test_missing_named_directory_says_config_section_key_and_line(calibrated: Project) -> None:
    shutil.rmtree(calibrated.path / "models/samples")
    ran = calibrated.run("models")
    assert ran.code == 2
    assert "scons: *** [build/lenet.ms] models/lenet.cfg:6: error[E115]: calibrate_path" in ran.err
    assert "[data_preprocess_param]" in ran.err
    assert "'samples' does not exist" in ran.err
    assert not (calibrated.path / "build/lenet.ms").exists()
    calibrated.write("models/samples/a.bin", "aaa")
    assert calibrated.build().converted == ["lenet.ms"]


def test_named_directory_that_appears_beside_the_config_wins(calibrated: Project) -> None:
    (calibrated.path / "models/samples").rename(calibrated.path / "samples")
    assert calibrated.build().converted == ["lenet.ms"]
    assert calibrated.is_up_to_date()
    calibrated.write("models/samples/a.bin", "nearer")
    assert calibrated.build().converted == ["lenet.ms"]


# ----------------------------------------------------------------------------------------------------------------------
# The converter itself


@pytest.mark.parametrize("is_asked", [False, True])
def test_other_version_of_a_package_counts_only_where_that_is_asked_for(project: Project, is_asked: bool) -> None:
    python = project.write("python", f'#!/bin/sh\nPYTHONPATH={project.path / "packages"} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    settings = f"ENV={{}}, MSLITE_PYTHON={str(python)!r}, MSLITE_DEPS_IN_KEY={is_asked}"
    _sconstruct("ENV={}", settings)(project)
    project.build()
    project.write("packages/numpy-77.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 77.0\n")
    ran = project.build("models", "--debug=explain")
    assert ran.converted == (["lenet.ms"] if is_asked else [])
    assert (" numpy 77.0 " in ran.out) == is_asked
    assert project.is_up_to_date()


def test_edited_converter_converts_again_and_its_caches_do_not(own_converter: Project) -> None:
    own_converter.build()
    source = own_converter.path / "converter/version.py"
    source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    own_converter.write("converter/__pycache__/version.cpython-310.pyc", "stale")
    own_converter.write("converter/.ruff_cache/x.py", "cache")
    assert own_converter.is_up_to_date()
    with source.open("a", encoding="utf-8") as stream:
        stream.write("# edited\n")
    ran = own_converter.build("models", "--debug=explain")
    assert ran.converted == ["lenet.ms"]
    assert "rebuilding `build/lenet.ms' because the build action changed" in ran.out
    old, new = (line.split() for line in ran.out.splitlines() if "mslite-convert" in line)
    assert (old[0], new[0]) == ("old:", "new:")
    assert old[2] == new[2]
    assert old[4] != new[4]
    assert own_converter.is_up_to_date()


def test_explain_names_old_and_new_flags(built: Project) -> None:
    _sconstruct("ENV={}", "ENV={}, MSLITE_FLAGS='--optimize=none'")(built)
    lines = [line.strip() for line in built.build("models", "--debug=explain").out.splitlines()]
    old, new = (line for line in lines if "mslite-convert" in line)
    assert old.startswith("old: mslite-convert 0.")
    assert new == old.replace("old:", "new:") + " disable_fusion=true"


def test_explain_names_old_and_new_values_of_the_config(built: Project) -> None:
    REBUILDS["config value"](built)
    out = built.build("models", "--debug=explain").out
    assert "rebuilding `build/lenet.ms' because the build action changed" in out
    old, new = (line.strip() for line in out.splitlines() if "mslite-convert" in line)
    assert old.startswith("old: ")
    assert old.endswith(' [common_quant_param] quant_type="WEIGHT_QUANT"')
    assert new.endswith(' [common_quant_param] min_quant_weight_size=11 quant_type="WEIGHT_QUANT"')


def test_explain_names_a_directory_that_changed(calibrated: Project) -> None:
    NAMED["renamed"](calibrated)
    out = calibrated.build("models", "--debug=explain").out
    old, new = (line.strip() for line in out.splitlines() if "mslite-convert" in line)
    assert " models/samples: 2 files, names " in old
    assert old.rpartition(", content ")[2] == new.rpartition(", content ")[2]
    assert old != new
