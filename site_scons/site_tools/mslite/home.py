"""Where the converter lives: beside `site_scons`, or installed. Makes it importable, and knows its fingerprint."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path

from . import memory
from .complaint import complain

# site_scons/site_tools/mslite/home.py → the tree that holds site_scons/ and converter/
_TREE = Path(__file__).resolve().parents[3]


@lru_cache(maxsize=1)
def find_root() -> Path | None:
    """Return the directory that contains the package `converter`, or None; the tree of this tool wins."""
    if (_TREE / "converter" / "fingerprint.py").is_file():
        return _TREE
    spec = importlib.util.find_spec("converter")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parents[1]


def require() -> Path:
    """Return `find_root()` and make `import converter` find it there; UserError when there is no converter."""
    root = find_root()
    if root is None:
        raise complain(
            "the package 'converter' is neither beside site_scons nor installed for "
            f"{sys.executable}; keep the two directories together, or install it with pip",
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return root


@lru_cache(maxsize=1)
def version_text() -> str:
    """Return `0.1.0 (code 1f2e3d4c5b6a)`: what a signature says about the converter. Hashed when a file has changed."""
    package = require() / "converter"
    identity, newest_ns = _identity(package)
    known = memory.recall("code", "converter", [identity])
    if known is not None:
        return str(known)
    from converter.fingerprint import code_hash  # noqa: PLC0415 - importable only after require()
    from converter.version import __version__  # noqa: PLC0415

    text = f"{__version__} (code {code_hash(package)[:16]})"
    if memory.is_settled(newest_ns):
        memory.remember("code", "converter", [identity], text)
    return text


def _identity(package: Path) -> tuple[str, int]:
    """Return a hash over names, time stamps and sizes of all files of a package, and the newest time stamp."""
    digest = hashlib.sha256(str(package).encode("utf-8", "surrogateescape"))
    newest = 0
    pending = [str(package)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_dir():
                pending.append(entry.path)
            else:
                status = entry.stat()
                newest = max(newest, status.st_mtime_ns)
                line = f"{entry.path}\0{status.st_mtime_ns}\0{status.st_size}\0{status.st_ino}\n"
                digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest(), newest


@lru_cache(maxsize=16)
def code_of(*files: str) -> str:
    """Return a short hash of source files of this tool, the same for every kind of line end."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(Path(file).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]
