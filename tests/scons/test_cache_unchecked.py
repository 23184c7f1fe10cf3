"""SCons before 4.2 has no custom caches: the directory is used as it is, and a line says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scons_project import SCONSTRUCT

if TYPE_CHECKING:
    from pathlib import Path

    from scons_project import Project

# What makes a new SCons look like an old one.
OLD = """\
import SCons.Environment
new = SCons.Environment.Base.CacheDir
SCons.Environment.Base.CacheDir = lambda self, path: new(self, path)
"""


def test_scons_without_custom_caches_uses_the_directory_and_says_so(project: Project, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first, *others = SCONSTRUCT.splitlines(keepends=True)
    project.write("SConstruct", f"{OLD}{first}env.MSLiteCacheDir({str(cache)!r})\n{''.join(others)}")
    ran = project.build()
    assert "SCons before 4.2 has no custom caches; the directory is used unchecked" in ran.err
    for name in ("lenet.ms", "lenet.ms.record.json"):
        (project.path / "build" / name).unlink()
    assert project.build().converted == []
