"""Builds of models that nothing has touched: SCons does not look at them, and everything that might matter makes it."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG, MODELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scons_project import Project

    Edit = Callable[[Project], object]

MODEL = "env.MSLiteModel('build/net.ms', 'models/lenet_split_graph.mindir', MSLITE_TRAIN=True, MSLITE_CONFIG='net.cfg')"
# The record is looked at in every build but those in which nothing is looked at.
SCONSTRUCT = f"""\
import SCons.Node, atexit
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')
model = {MODEL}
atexit.register(lambda: print('LOOKED AT' if model[0].get_state() != SCons.Node.no_state else 'NOT LOOKED AT'))
"""
WEIGHTS = "models/lenet_split_variables/data_0"
NET_CONFIG = "[registry]\ndisable_fusion=off\n[data_preprocess_param]\ncalibrate_path=x:samples\n"


def _age(project: Project) -> None:
    for path in project.path.rglob("*"):
        if path.is_file():
            os.utime(path, (1e9, 1e9))


@pytest.fixture(scope="module")
def first_untouched(first_build: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A built project with split weights and a directory of samples, and what it was remembered by."""
    project = first_build.at(tmp_path_factory.mktemp("untouched"))
    project.model("models/lenet_split_graph.mindir", "lenet_split_graph")
    shutil.copytree(MODELS / "lenet_split_variables", project.path / "models/lenet_split_variables")
    project.write("samples/a.bin", "a")
    project.write("net.cfg", NET_CONFIG)
    project.write("SConstruct", SCONSTRUCT)
    _age(project)
    project.build()
    return project


@pytest.fixture
def untouched(first_untouched: Project, tmp_path: Path) -> Project:
    """A copy of the same, which its last build has looked at: other places on the disk, other numbers."""
    project = first_untouched.copy(tmp_path / "copy")
    time.sleep(0.15)
    assert project.build().out.splitlines() == ["scons: `models' is up to date.", "LOOKED AT"]
    assert project.build().out.splitlines() == ["scons: `models' is up to date.", "NOT LOOKED AT"]
    return project


def _add(text: str) -> Edit:
    return lambda project: project.write("SConstruct", SCONSTRUCT + text)


def _touch(name: str) -> Edit:
    return lambda project: os.utime(project.path / name)


def _in_the_future(project: Project) -> None:
    """A time stamp that no edit is known to be later than."""
    later = time.time() + 3600
    os.utime(project.path / WEIGHTS, (later, later))


def _same_time_and_size(name: str) -> Edit:
    """Other bytes under the old time stamp and size, as an unpacked archive may bring them."""

    def edit(project: Project) -> None:
        path = project.path / name
        status = path.stat()
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return edit


def _value(project: Project) -> None:
    project.write("net.cfg", NET_CONFIG.replace("=off", "=on"))


CONVERTED: dict[str, Edit] = {
    "value of the config": _value,
    "sample": lambda project: project.write("samples/a.bin", "b"),
    "flags": lambda project: project.write(
        "SConstruct", SCONSTRUCT.replace("MSLITE_TRAIN=", "MSLITE_FLAGS='--optimize=none', MSLITE_TRAIN=")
    ),
    "dependency": _add("env.Depends(model, 'net.cfg')\n"),
    "always": _add("env.AlwaysBuild(model)\n"),
    "post action": _add("env.AddPostAction(model, Touch('build/after'))\n"),
    "weights made by the build": _add(
        f"env.Precious('{WEIGHTS}')\n"
        "def grow(target, source, env):\n"
        "    open(str(target[0]), 'ab').write(b'z')\n"
        f"env.Command('{WEIGHTS}', 'net.cfg', grow)\n"
    ),
    "sample made by the build": _add("env.Command('samples/b.bin', 'net.cfg', Copy('$TARGET', '$SOURCE'))\n"),
    "model deleted": lambda project: (project.path / "build/net.ms").unlink(),
    "record deleted": lambda project: (project.path / "build/net.ms.record.json").unlink(),
}

LOOKED_AT: dict[str, Edit] = {
    "source touched": _touch("models/lenet_split_graph.mindir"),
    "weights touched": _touch(WEIGHTS),
    # SCons itself then trusts a time stamp that is days old.
    "weights with the old time and size": _same_time_and_size(WEIGHTS),
    "weights from the future": _in_the_future,
    "model touched": _touch("build/net.ms"),
    "order": _add("env.Requires(model, env.Command('build/x', [], Touch('$TARGET')))\n"),
    "ignored": _add("env.Ignore(model, 'models/lenet_split_graph.mindir')\n"),
}


@pytest.mark.parametrize("edit", CONVERTED.values(), ids=CONVERTED)
def test_what_matters_converts_again(untouched: Project, edit: Edit) -> None:
    edit(untouched)
    assert untouched.build().converted == ["net.ms"]


@pytest.mark.parametrize("edit", LOOKED_AT.values(), ids=LOOKED_AT)
def test_what_may_matter_is_looked_at(untouched: Project, edit: Edit) -> None:
    edit(untouched)
    assert "NOT LOOKED AT" not in untouched.build().out


@pytest.mark.parametrize("option", ["--tree=all", "--cache-force", "-c"])
def test_options_that_ask_for_every_node_get_them(untouched: Project, option: str) -> None:
    out = untouched.build(option, "models").out
    assert "NOT LOOKED AT" not in out
    assert "net.ms" in out or option == "--cache-force"


def test_model_left_out_of_the_build_leaves_the_manifest(untouched: Project) -> None:
    text = "other = env.MSLiteModel('build/other.ms', 'models/lenet.mindir')\n"
    untouched.model("models/lenet.mindir")
    untouched.write("SConstruct", SCONSTRUCT + text)
    assert untouched.build().converted == ["other.ms"]
    assert sorted(untouched.manifest()) == ["build/net.ms", "build/other.ms"]
    untouched.write("SConstruct", SCONSTRUCT)
    untouched.build()
    assert sorted(untouched.manifest()) == ["build/net.ms"]


def test_edited_manifest_is_looked_at(untouched: Project) -> None:
    untouched.write("build/models.json", "{}")
    assert "NOT LOOKED AT" not in untouched.build().out


def test_what_was_edited_just_before_the_build_is_not_trusted(untouched: Project) -> None:
    _in_the_future(untouched)
    untouched.build()
    assert "NOT LOOKED AT" not in untouched.build().out


def test_dry_run_and_failure_are_not_remembered(untouched: Project) -> None:
    _value(untouched)
    before = (untouched.path / "build/.models.json.memory").read_bytes()
    assert untouched.build("-n", "models").converted == ["net.ms"]
    assert (untouched.path / "build/.models.json.memory").read_bytes() == before
    untouched.write("net.cfg", "[registry]\ndisable_fusion=perhaps\n")
    assert untouched.run("models").code == 2
    assert untouched.run("models").code == 2
    untouched.write("net.cfg", NET_CONFIG.replace("=off", "=on"))
    assert untouched.build().converted == ["net.ms"]


def test_memory_of_a_renamed_sample_names_it(untouched: Project) -> None:
    (untouched.path / "samples/a.bin").rename(untouched.path / "samples/z.bin")
    assert untouched.build().converted == ["net.ms"]
    tables = json.loads((untouched.path / "build/.models.json.memory").read_text(encoding="utf-8"))["tables"]
    assert list(tables["directories"]["samples"][1]) == ["z.bin"]
    assert CONFIG


def test_what_a_killed_build_made_is_not_taken_for_what_is_remembered(untouched: Project) -> None:
    right = (untouched.path / "build/net.ms").read_bytes()
    wait = (
        "def wait(target, source, env):\n"
        "    open('waiting', 'w').close()\n"
        "    __import__('time').sleep(60)\n"
        "env.Command('build/last', 'build/models.json', wait)\n"
    )
    untouched.write("SConstruct", SCONSTRUCT + wait)
    _value(untouched)
    with untouched.started("build/last") as scons:
        end = time.monotonic() + 60
        while not (untouched.path / "waiting").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        scons.kill()
        scons.communicate()
    untouched.write("SConstruct", SCONSTRUCT)
    untouched.write("net.cfg", NET_CONFIG)
    assert untouched.build().converted == ["net.ms"]
    assert (untouched.path / "build/net.ms").read_bytes() == right
