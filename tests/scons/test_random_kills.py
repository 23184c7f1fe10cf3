"""Builds that are killed at any moment, run twice at once, or see a clock that goes back: no partial or stale model."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from scons_project import CONFIG

if TYPE_CHECKING:
    from scons_project import Project

NAMES = ("a", "b", "c")
SCONSTRUCT = f"""\
env = Environment(tools=['mslite'], ENV={{}})
for name in {NAMES}:
    env.MSLiteModel('build/' + name + '.ms', 'models/' + name + '.mindir', MSLITE_CONFIG='models/net.cfg')
"""
OLD, NEW = CONFIG, CONFIG.replace("=8", "=4")
# Moments of one build; MSLITE_KILLS=500 for the long run.
KILLS = int(os.environ.get("MSLITE_KILLS", "2"))


def prepared(project: Project) -> tuple[dict[str, bytes], dict[str, bytes], float]:
    """What `-j1` builds of both configs, and how long a whole build takes; the old one is built."""
    project.write("SConstruct", SCONSTRUCT)
    for name in NAMES:
        project.model(f"models/{name}.mindir")
    found = []
    duration = 0.0
    for config in (NEW, OLD):
        project.write("models/net.cfg", config)
        start = time.monotonic()
        assert project.build("-j1").code == 0
        duration = time.monotonic() - start
        found.append(targets(project))
    return found[1], found[0], duration


def targets(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.path / "build").glob("*.ms")}


def test_a_build_killed_at_any_moment_leaves_whole_models_and_the_next_is_right(empty: Project) -> None:
    old, new, duration = prepared(empty)
    moments = random.Random(11)  # noqa: S311 - repeatable moments
    for _ in range(KILLS):
        empty.write("models/net.cfg", NEW)
        with empty.started("-j2", "models") as scons:
            time.sleep(moments.random() * 2 * duration)
            scons.send_signal(signal.SIGKILL)
            scons.communicate()
        # SCons removes what it is about to build, so a model that is out of date may be gone, but never half there.
        assert all(data in (old[name], new[name]) for name, data in targets(empty).items())
        assert empty.build("-j2").code == 0
        assert targets(empty) == new
        assert empty.left_over() == []
        empty.write("models/net.cfg", OLD)
        assert empty.build("-j2").code == 0
        assert targets(empty) == old


def test_two_builds_at_once_in_one_tree_end_with_the_right_models(empty: Project) -> None:
    _, new, _ = prepared(empty)
    empty.write("models/net.cfg", NEW)
    with ExitStack() as stack:
        both = [stack.enter_context(empty.started("-j2", "models")) for _ in range(2)]
        for scons in both:
            scons.communicate()
    assert empty.build("-j2").code == 0
    assert targets(empty) == new
    assert empty.left_over() == []


def test_a_clock_that_goes_back_hides_no_change(empty: Project) -> None:
    _, new, _ = prepared(empty)
    config = empty.write("models/net.cfg", NEW)
    os.utime(config, (7, 7))
    assert empty.build("-j2").code == 0
    assert targets(empty) == new
