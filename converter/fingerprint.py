"""Which converter this is: a hash over its source, so that a build step re-runs when the converter changes.

Standard library only: SCons reads it in its own process.
"""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def source_files(package: Path = PACKAGE) -> list[Path]:
    """Return the package's Python files, sorted by their POSIX path relative to it; caches of any kind are left out."""
    found: list[Path] = []
    for folder, folders, names in os.walk(package):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        found += [Path(folder, name) for name in names if name.endswith(".py") and not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(package).as_posix())


def code_hash(package: Path = PACKAGE) -> str:
    """Return the SHA-256 of all source files, names included, with LF line ends, and of installed plugins.

    It is the same in every checkout (CRLF or LF), on every Python and whatever `__pycache__` holds.
    """
    digest = hashlib.sha256()
    for path in source_files(package):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(package).as_posix()
        digest.update(f"{name}\0{len(text)}\0".encode())
        digest.update(text)
    for text in _plugins():
        digest.update(text)
    return digest.hexdigest()


def _plugins() -> list[bytes]:
    """Name, package, version and source of every plugin that is installed (converter/plugins.py)."""
    found: list[bytes] = []
    for entry in sorted(entry_points(group="mslite.passes"), key=lambda entry: (entry.name, entry.value)):
        package = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
        found.append(f"{entry.name}\0{entry.value}\0{package}\0".encode())
        found.append(_module_source(entry.module))
    return found


def _module_source(name: str) -> bytes:
    """The source of a module that is not imported for it; empty where there is none."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return b""
    origin = None if spec is None else spec.origin
    return Path(origin).read_bytes() if origin is not None and Path(origin).is_file() else b""
