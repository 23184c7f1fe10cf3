"""Both ends of the ranges in pyproject.toml, on each Python: `python tests/robustness/dependencies.py [--folder DIR]`.

Takes every Python of PATH and pyenv that the converter supports (and those of `--python PATH`), makes an environment
with the oldest and one with the newest versions that pyproject.toml allows there, and runs digests.py in each, with
other hash seeds, locales, time zones, umasks and working directories: all must write and read back the same bytes.
Where the oldest numpy was not made for a Python, the first that was takes its place. Nothing may change the tree
meanwhile. Both ends of SCons: tests/scons/matrix.py.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from support.pythons import find_python, minor_of  # noqa: E402 - found from here on

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# The first numpy that was made for a Python.
FIRST_NUMPY = {"3.10": "1.24.0", "3.11": "1.24.0", "3.12": "1.26.0", "3.13": "2.1.0"}
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:")
# Hash seed, locale, time zone and umask: environments take them in turn.
SURROUNDINGS = (
    ("0", "C", "UTC", 0o022),
    ("7", "C.UTF-8", "Pacific/Kiritimati", 0o077),
    ("random", "POSIX", "America/St_Johns", 0o002),
)
NEEDED = ("flatbuffers", "numpy", "protobuf")


def ranges() -> dict[str, str]:
    """Of each dependency, its range as pyproject.toml has it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("\ndependencies = [") :].partition("\n]")[0]
    return dict(re.findall(r'"([a-z]+)([^"]+)"', block))


def requirements(minor: str, end: str) -> list[str]:
    """What pip installs for one end of the ranges."""
    found = ranges()
    if end == "newest":
        return [name + versions for name, versions in found.items()]
    oldest = {name: versions.partition(",")[0].removeprefix(">=") for name, versions in found.items()}
    return [f"{name}=={version}" for name, version in (oldest | {"numpy": FIRST_NUMPY[minor]}).items()]


def environment(python: str, place: Path, wanted: list[str]) -> Path:
    """The Python of an environment with these packages and nothing else."""
    own, stamp = place / "bin" / "python", place / "complete"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != " ".join(wanted):
        subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([str(own), *PIP, *wanted], check=True)
        stamp.write_text(" ".join(wanted), encoding="utf-8")
    return own


def versions(python: Path) -> dict[str, str]:
    """The installed versions of what a conversion needs."""
    script = f"from importlib.metadata import version; print(*(version(name) for name in {NEEDED}))"
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True)
    return dict(zip(NEEDED, done.stdout.split(), strict=True))


def digests(python: Path, turn: int) -> str:
    """What digests.py prints there, or how it failed."""
    command = [str(python), str(Path(__file__).with_name("digests.py"))]
    seed, locale, zone, umask = SURROUNDINGS[turn % len(SURROUNDINGS)]
    known = {**os.environ, "PYTHONPATH": "", "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=known, cwd=folder, umask=umask)
    return done.stdout if done.returncode == 0 else done.stderr


def pythons(given: list[str]) -> dict[str, str]:
    """Pythons by their version; the one that runs this is among them."""
    here = [found for minor in PYTHONS if (found := find_python(minor))]
    known = {minor_of(python): python for python in (*here, sys.executable, *given)}
    return {minor: known[minor] for minor in PYTHONS if minor in known}


def main() -> int:
    """Compare, print a line per environment; 1 when one differs, or when a demanded Python is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, default=ROOT / ".venv-matrix")
    parser.add_argument("--python", action="append", default=[], metavar="PATH")
    parser.add_argument("--all", action="store_true", help="fail when one of the supported Pythons is missing")
    arguments = parser.parse_args()
    found = pythons(arguments.python)
    missing = sorted(set(PYTHONS) - set(found))
    sys.stdout.write(f"missing Pythons: {', '.join(missing) or 'none'}\n")
    reference, failed = None, bool(arguments.all and missing)
    ends = [(minor, python, end) for minor, python in found.items() for end in ("oldest", "newest")]
    for turn, (minor, python, end) in enumerate(ends):
        place = arguments.folder.resolve() / f"dependencies-{minor}-{end}"
        own = environment(python, place, requirements(minor, end))
        result = digests(own, turn)
        reference = reference or result
        is_same = result == reference and result.startswith("{")
        failed |= not is_same
        what = " ".join(f"{name} {version}" for name, version in versions(own).items())
        sys.stdout.write(f"Python {minor} {end}: {what}: {'same bytes' if is_same else difference(result)}\n")
        sys.stdout.flush()
    return 1 if failed else 0


def difference(result: str) -> str:
    """What is wrong with a result."""
    return "OTHER BYTES" if result.startswith("{") and json.loads(result) else f"FAILED\n{result}"


if __name__ == "__main__":
    sys.exit(main())
