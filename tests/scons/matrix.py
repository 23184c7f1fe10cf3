"""Run the tests of the SCons tool on several versions of SCons and Python: `python tests/scons/matrix.py [VERSION …]`.

Versions of SCons: without any, the oldest that is supported, those of RT-Thread and PlatformIO, and the newest. Each is
installed with pip into its own directory below `.venv-matrix` (`--folder` for another place), once. Pythons: the one
that runs this, or those that `--python PATH` names, which get an environment there; `--pythons` takes every Python that
the converter supports and PATH or pyenv has. SCons and the converter run on the same Python. What follows `--` goes to
pytest: `python tests/scons/matrix.py 4.0.1 -- tests/scons/test_rebuilds.py`. Prints each combination with its result;
exits with 1 when one fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent)]

from support.pythons import find_python, minor_of  # noqa: E402 - found from here on

NEWEST = "newest"
VERSIONS = ("4.0.1", "4.4.0", "4.8.1", NEWEST)
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PACKAGES = ("numpy", "protobuf", "flatbuffers>=25.12.19,<26", "pytest", "hypothesis", "setuptools", "distributed")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main() -> int:
    """Install what is missing, run the tests on each combination, and sum up."""
    words = sys.argv[1:]
    ours, rest = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", default=VERSIONS)
    parser.add_argument("--folder", type=Path, default=ROOT / ".venv-matrix")
    parser.add_argument("--python", action="append", default=[], metavar="PATH")
    parser.add_argument("--pythons", action="store_true")
    arguments = parser.parse_args(ours)
    folder = arguments.folder.resolve()
    found = [python for minor in PYTHONS if arguments.pythons and (python := find_python(minor))]
    pythons = [environment(python, folder) for python in (*arguments.python, *found)] or [Path(sys.executable)]
    results = {}
    for python in pythons:
        for version in arguments.versions:
            name = f"SCons {version} on Python {minor_of(str(python))}"
            sys.stdout.write(f"== {name}\n")
            sys.stdout.flush()
            other = next((str(each) for each in pythons if each != python), None)
            results[name] = run_tests(python, other, install(version, folder / f"scons-{version}"), rest)
    for name, code in results.items():
        sys.stdout.write(f"{name}: {'passed' if code == 0 else f'failed ({code})'}\n")
    return 1 if any(results.values()) else 0


def environment(python: str, folder: Path) -> Path:
    """Return the Python of an environment that has what the tests need."""
    place = folder / f"python-{minor_of(python)}"
    own = place / "bin" / "python"
    if not (place / "complete").is_file():
        subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([str(own), *PIP, *PACKAGES], check=True)
        (place / "complete").touch()
    return own


def install(version: str, place: Path) -> Path:
    """Return the directory that holds the package `SCons` of a version; pip fills it where it is not there."""
    if not (place / "SCons" / "__init__.py").is_file():
        requirement = "scons" if version == NEWEST else f"scons=={version}"
        command = [sys.executable, *PIP, "--no-deps", "--upgrade", "--target", str(place), requirement]
        subprocess.run(command, check=True)
    return place


def run_tests(python: Path, other: str | None, place: Path, words: list[str]) -> int:
    """Run the tests of this directory with the SCons in `place`; return pytest's exit code.

    `other` is a second Python, for what the first has built.
    """
    tests = [] if any(str(word).startswith("tests") for word in words) else [str(HERE)]
    settings = {**os.environ, "TEST_SCONS_DIR": str(place), "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}
    if other or minor_of(str(python)) != minor_of(sys.executable):
        settings["TEST_OTHER_PYTHON"] = other or sys.executable
    command = [str(python), "-m", "pytest", "-q", *words, *tests]
    return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
