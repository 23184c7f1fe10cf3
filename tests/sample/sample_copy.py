"""A copy of the project, in which the sample firmware is built as a user builds it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
BUILD = Path("build/sample_project")
CROSS_TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")


@dataclass(frozen=True)
class Sample:
    """A copy of the project in `root`."""

    root: Path

    def scons(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `scons -Q` with both output streams joined."""
        return subprocess.run(
            [sys.executable, "-m", "SCons", "-Q", *arguments],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def clone(self, root: Path) -> Sample:
        """Copy the sources only, as another checkout has them."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("build", ".sconsign*"))
        return Sample(root)

    def built(self, name: str) -> Path:
        return self.root / BUILD / name

    def times(self) -> dict[str, int]:
        """When each file of the sample was built, in ns."""
        files = (path for path in (self.root / BUILD).rglob("*") if path.is_file())
        return {path.relative_to(self.root / BUILD).as_posix(): path.stat().st_mtime_ns for path in files}

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / "sample_project" / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))


def copy_project(root: Path) -> Sample:
    for name in ("converter", "site_scons", "sample_project"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(PROJECT / "SConstruct", root)
    return Sample(root)


def damage_model(image: Path, model: bytes, offset: int) -> None:
    """Flip all bits of one byte of `model` where it lies in the linked `image`."""
    content = bytearray(image.read_bytes())
    at = content.find(model)
    assert at >= 0
    assert content.find(model, at + 1) < 0
    content[at + offset] ^= 0xFF
    image.write_bytes(content)
