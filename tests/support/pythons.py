"""The Pythons of this machine: those of PATH and of pyenv."""

from __future__ import annotations

import shutil
import subprocess


def find_python(minor: str) -> str | None:
    """A Python of a version, given as `3.13`, that works: a name on PATH may lead to nothing."""
    return next((python for python in (shutil.which(f"python{minor}"), _of_pyenv(minor)) if _works(python)), None)


def minor_of(python: str) -> str:
    """Which Python it is, as `3.13`."""
    command = [python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()


def _works(python: str | None) -> bool:
    return python is not None and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _of_pyenv(minor: str) -> str | None:
    """What pyenv has installed of a version, whether it is chosen or not."""
    if shutil.which("pyenv") is None:
        return None
    names = [name for name in _pyenv("versions", "--bare").split() if name.startswith(f"{minor}.")]
    return f"{_pyenv('prefix', names[-1]).strip()}/bin/python" if names else None


def _pyenv(*words: str) -> str:
    return subprocess.run(["pyenv", *words], capture_output=True, encoding="utf-8", check=True).stdout
