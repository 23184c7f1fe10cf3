"""Run the tests of the SCons tool on several versions of SCons: `python tests/scons/matrix.py [VERSION …]`.

Without versions: the oldest that is supported, those of RT-Thread and PlatformIO, and the newest. Each is installed
with pip into its own directory below `.venv-matrix` (`--folder` for another place), once. What follows `--` goes to
pytest: `python tests/scons/matrix.py 4.0.1 -- -k rebuild`. Exits with 1 when a version fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NEWEST = "newest"
VERSIONS = ("4.0.1", "4.4.0", "4.8.1", NEWEST)


def main() -> int:
    """Install what is missing, run the tests on each version, and sum up."""
    words = sys.argv[1:]
    ours, rest = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION", default=VERSIONS)
    parser.add_argument("--folder", type=Path, default=ROOT / ".venv-matrix")
    arguments = parser.parse_args(ours)
    codes = {}
    for version in arguments.versions:
        place = install(version, arguments.folder.resolve() / f"scons-{version}")
        sys.stdout.write(f"== SCons {version}\n")
        sys.stdout.flush()
        codes[version] = run_tests(place, rest)
    for version, code in codes.items():
        sys.stdout.write(f"SCons {version}: {'passed' if code == 0 else f'failed ({code})'}\n")
    return 1 if any(codes.values()) else 0


def install(version: str, place: Path) -> Path:
    """Return the directory that holds the package `SCons` of a version; pip fills it where it is not there."""
    if not (place / "SCons" / "__init__.py").is_file():
        requirement = "scons" if version == NEWEST else f"scons=={version}"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--upgrade", "--target", str(place), requirement], check=True)
    return place


def run_tests(place: Path, words: list[str]) -> int:
    """Run the tests of this directory with the SCons in `place`; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", *(words or [str(HERE)])]
    command += [] if not words or any(str(word).startswith("tests") for word in words) else [str(HERE)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "TEST_SCONS_DIR": str(place)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
