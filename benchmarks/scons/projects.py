"""Projects for the benchmarks of the SCons tool, and what a whole scons process costs."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
# Else SCons loads all its default tools, whatever the environments of the build need.
CHEAP = "DefaultEnvironment(tools=[])\n"


class Cost(NamedTuple):
    """Seconds of a process and its children: of processors, and as on the clock."""

    cpu: float
    wall: float


def copy_tool(folder: Path) -> None:
    """Copy tool and converter: an edit while a benchmark runs would convert all models again, and rightly so."""
    for name in ("converter", "site_scons"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def scons(folder: Path, *words: str) -> Cost:
    """Run scons in a project beside the copied tool, as a user does: with compiled modules."""
    command = [sys.executable, "-m", "SCons", "-Q", f"--site-dir={folder.parent / 'site_scons'}", *words]
    return run(command, folder)


def run(command: list[str], folder: Path) -> Cost:
    """Run a process and return what it cost; end with its output when it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit((folder / "log").read_text())
    return Cost(usage.ru_utime + usage.ru_stime, wall)


def paired(one: Callable[[], float], other: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """Measure two things in turns, so that load hits both alike; return both medians, and that of the ratios."""
    pairs = [(one(), other()) for _ in range(rounds)]
    ours, others = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(others), statistics.median(a / b for a, b in pairs)
