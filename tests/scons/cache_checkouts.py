"""What the tests of the shared cache do again and again: projects that use one, other checkouts, what is stored."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import SCons
from scons_project import SCONSTRUCT

if TYPE_CHECKING:
    from scons_project import Project, Ran

SCONS = Path(os.environ.get("TEST_SCONS_DIR") or Path(SCons.__file__).parents[1]) / "SCons" / "__init__.py"
VERSION = tuple(map(int, re.findall(r'__version__\s*=\s*"(\d+)\.(\d+)', SCONS.read_text(encoding="utf-8"))[0]))
needs_custom_caches = pytest.mark.skipif(VERSION < (4, 2), reason="this SCons has no custom caches")
FILES = ("build/lenet.ms", "build/lenet.ms.record.json")


def with_cache(project: Project, cache: Path, rest: str = "") -> Project:
    line = f"env.MSLiteCacheDir({str(cache)!r}{rest})\n"
    first, *others = SCONSTRUCT.splitlines(keepends=True)
    project.write("SConstruct", first + line + "".join(others))
    return project


def clone_of(project: Project, place: Path) -> Project:
    """Another checkout: sources only."""
    clone = project.at(place)
    clone.write("SConstruct", (project.path / "SConstruct").read_text(encoding="utf-8"))
    clone.write("models/lenet.cfg", (project.path / "models/lenet.cfg").read_text(encoding="utf-8"))
    clone.model("models/lenet.mindir")
    return clone


def made_bytes(project: Project) -> list[bytes]:
    return [(project.path / name).read_bytes() for name in (*FILES, "build/models.json")]


def entries_of(cache: Path) -> list[Path]:
    return sorted(path for path in cache.glob("*/*") if path.suffix != ".sha256")


def retrieved_lines(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if line.startswith("Retrieved")]


def is_quiet(ran: Ran) -> bool:
    """Whether nothing that looks like trouble was printed."""
    return ran.err == ""
