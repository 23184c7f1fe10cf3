"""What the tests of the front doors share: the distribution as pip installs it, and the samples."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from scons_project import MODELS, TREE, settings

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = TREE / "samples"
DOCS = TREE / "docs" / "front_doors"
_BLOCK = re.compile(r"```\w+\n[#;] (\S+)\n(.*?)```", re.DOTALL)
EXPECTED = "tiny: MSL2, {size} bytes, 2 inputs, 1 outputs\n"


def install_distribution(tree: Path, site: Path) -> None:
    """Install what a wheel of `tree` carries, and nothing else, into the directory `site`. Needs no network."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(site), str(tree)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def distribution_tree(place: Path) -> Path:
    """Copy what a distribution is built from: pip leaves files of its own in it."""
    for name in ("converter", "scons_mslite", "site_scons"):
        shutil.copytree(TREE / name, place / name, ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache"))
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(TREE / name, place / name)
    return place


def copy_sample(name: str, place: Path) -> Path:
    """Copy a sample and the models it uses; return the sample's directory."""
    for each in (name, "models"):
        shutil.copytree(SAMPLES / each, place / each, ignore=shutil.ignore_patterns("build", ".pio", "*.o"))
    return place / name


def snippets(page: str) -> dict[str, str]:
    """Return the files that a page of docs/front_doors shows, by the name in their first line."""
    return dict(_BLOCK.findall((DOCS / page).read_text(encoding="utf-8")))


def write_snippets(page: str, sample: Path) -> None:
    """Replace files of a sample by what the documentation shows."""
    shown = snippets(page)
    assert shown, f"{page} shows no file"
    for name, text in shown.items():
        (sample / name).write_text(text, encoding="utf-8")


def run(directory: Path, *command: str, **more: str) -> str:
    """Run a command of a user; return its output."""
    environment = settings()
    paths = [more.pop("PYTHONPATH", ""), environment.pop("PYTHONPATH", "")]
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in paths if path), **more}
    ran = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def shown_by(program: Path, model: Path) -> bool:
    """Whether a program says what it should about the model in it."""
    return run(program.parent, str(program)) == EXPECTED.format(size=model.stat().st_size)


def replace_model(sample: Path) -> None:
    """Put another model into the place of the sample's: what a swapped model must reach is the program."""
    shutil.copy(MODELS / "lenet_momentum_sparse.mindir", sample.parent / "models/tiny.mindir")
