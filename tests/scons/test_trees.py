"""Trees that are not one developer's own: read-only sources, two builds at once, edits within one second, memory."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG, SCONSTRUCT

if TYPE_CHECKING:
    from scons_project import Project

MEMORY = "build/.models.json.memory"


def _age(project: Project) -> None:
    """Make all files old enough to be remembered by their time stamps."""
    for path in project.path.rglob("*"):
        if path.is_file():
            os.utime(path, (1e9, 1e9))


def test_sources_may_be_read_only(empty: Project) -> None:
    source = empty.at(empty.path / "source")
    source.model("lenet.mindir")
    source.write("lenet.cfg", CONFIG)
    text = SCONSTRUCT.replace("build/", "../out/").replace("models/", "")
    source.write(
        "SConstruct", "SConsignFile('../out/sconsign')\n" + text.replace("../out/models.json", "#../out/models.json")
    )
    before = {path: path.stat().st_mtime_ns for path in source.path.iterdir()}
    for path in [*source.path.iterdir(), source.path]:
        path.chmod(path.stat().st_mode & 0o555)
    (empty.path / "out").mkdir()
    try:
        assert source.build().converted == ["lenet.ms"]
        assert source.is_up_to_date()
    finally:
        source.path.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in source.path.iterdir()} == before


def test_two_builds_in_one_tree_both_succeed(project: Project) -> None:
    with project.started("models") as one, project.started("models") as other:
        said = [scons.communicate(timeout=60)[0] for scons in (one, other)]
        assert [one.returncode, other.returncode] == [0, 0], said
    project.build()
    assert project.is_up_to_date()
    assert project.build("models-verify").out == "1 models verified\n"
    assert project.left_over() == []


def test_edit_within_one_second_is_seen(project: Project) -> None:
    model = project.path / "models/lenet.mindir"
    model.write_bytes(model.read_bytes() + b"\x92\x3f\x01x")
    status = model.stat()
    project.build()
    with model.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"y")
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns // 10**9 * 10**9))
    assert project.build().converted == ["lenet.ms"]
    assert project.is_up_to_date()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 0}', '{"format": 1, "tables": {}}', None])
def test_memory_that_is_damaged_or_gone_costs_nothing_but_time(built: Project, content: str | None) -> None:
    if content is None:
        (built.path / MEMORY).unlink()
    else:
        built.write(MEMORY, content)
    assert built.is_up_to_date()
    assert json.loads((built.path / MEMORY).read_text(encoding="utf-8"))["tables"]["configs"]


def test_remembered_samples_are_hashed_again_when_one_changes(project: Project) -> None:
    project.write("models/lenet.cfg", CONFIG + "[data_preprocess_param]\ncalibrate_path=x:samples\n")
    for name in "abc":
        project.write(f"models/samples/{name}.bin", name)
    _age(project)
    project.build()
    remembered = json.loads((project.path / MEMORY).read_text(encoding="utf-8"))["tables"]["directories"]
    assert sorted(remembered["models/samples"][1]) == ["a.bin", "b.bin", "c.bin"]
    assert project.is_up_to_date()
    project.write("models/samples/b.bin", "B")
    assert project.build().converted == ["lenet.ms"]
    assert project.is_up_to_date()


def test_what_has_just_changed_is_not_remembered_by_its_time_stamp(project: Project) -> None:
    later = time.time() + 3600
    os.utime(project.path / "models/lenet.mindir", (later, later))
    project.build()
    tables = json.loads((project.path / MEMORY).read_text(encoding="utf-8"))["tables"]
    assert "weights" not in tables
    _age(project)
    assert project.is_up_to_date()
    assert project.is_up_to_date()
    tables = json.loads((project.path / MEMORY).read_text(encoding="utf-8"))["tables"]
    assert list(tables["weights"]) == ["models/lenet.mindir"]


def test_dry_run_and_clean_remember_nothing(project: Project) -> None:
    project.build("-n", "models")
    assert not (project.path / "build").exists()
    project.build()
    project.build("-c", "models")
    assert not (project.path / MEMORY).exists()


def test_config_made_by_a_builder_that_is_declared_later(project: Project) -> None:
    project.write(
        "SConstruct",
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')\n"
        "env.MSLiteModel('build/net.ms', 'models/lenet.mindir', MSLITE_CONFIG='build/made.cfg')\n"
        "env.Command('build/made.cfg', 'models/lenet.cfg', Copy('$TARGET', '$SOURCE'))\n",
    )
    assert project.build().converted == ["net.ms"]
    assert project.manifest()["build/net.ms"]["options"]["quant"]["bit_num"] == 8
    assert project.is_up_to_date()
    project.write("models/lenet.cfg", CONFIG.replace("=0", "=41"))
    assert project.build().converted == ["net.ms"]
    assert project.is_up_to_date()
