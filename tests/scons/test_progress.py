"""The bar of a conversion that takes long: on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from scons_project import SCONSTRUCT, settings

if TYPE_CHECKING:
    from scons_project import Project

# Pictures of calibration, as they go through: the report of each is worth a line.
BODY = """
progress = more.get('progress')
(here / 'asked').write_text(str(progress is not None))
if progress:
    for done in range(1, 6):
        progress('calibrating', done, 5)
        time.sleep(0.12)
"""


@pytest.fixture
def slow(project: Project) -> Project:
    python = project.faulty_python(BODY)
    project.write("SConstruct", SCONSTRUCT.replace("ENV={}", f"ENV={{}}, MSLITE_PYTHON={str(python)!r}"))
    return project


def _on_a_terminal(project: Project, *words: str, term: str = "xterm") -> str:
    ours, its = pty.openpty()
    scons = subprocess.Popen(
        [sys.executable, "-m", "SCons", *project.words(*words)],
        cwd=project.path,
        env={**settings(), "TERM": term},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side is closed
            part = b""
        if not part:
            break
        shown += part
    os.close(ours)
    assert scons.wait() == 0, shown
    return shown.decode().replace("\r\n", "\n")


def test_bar_grows_on_a_terminal_and_makes_room_for_the_line(slow: Project) -> None:
    shown = _on_a_terminal(slow, "models")
    first, *_, bar, line = shown.split("\r\033[K")
    assert first == ""
    assert bar == "models/lenet.mindir  [########################] calibrating 5/5"
    assert "models/lenet.mindir  [####....................] calibrating 1/5" in shown
    assert line.startswith("MSLITE build/lenet.ms  ")


def test_bar_is_not_drawn_into_a_file(slow: Project) -> None:
    assert "\033" not in slow.build().out
    assert (slow.path / "asked").read_text(encoding="utf-8") == "False"


@pytest.mark.parametrize(("words", "term"), [(("-s", "models"), "xterm"), (("models",), "dumb")])
def test_bar_is_not_drawn_where_nobody_wants_it(slow: Project, words: tuple[str, ...], term: str) -> None:
    assert "calibrating" not in _on_a_terminal(slow, *words, term=term)
