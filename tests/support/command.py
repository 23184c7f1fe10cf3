"""The converter as a user runs it: a process of its own, with what it printed and left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.zoo import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """A finished process."""

    code: int
    stdout: str
    stderr: str


def run_converter(flags: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """Run `python -m converter` in `folder`."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
    command = [sys.executable, "-W", "error", "-m", "converter", *flags]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


def files_below(folder: Path) -> set[str]:
    """Every file and directory below a folder, by relative path."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
