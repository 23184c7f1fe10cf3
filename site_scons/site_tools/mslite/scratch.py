"""What protects a build against being killed: nothing is written in place, and unrecorded targets are remembered.

A conversion writes into a scratch directory beside its target; SCons's own process moves the result into place, so a
worker that outlives a killed SCons publishes nothing. SCons writes its record of a build (`.sconsign`) only at its
end: a target that was moved into place before a kill would be taken for the one of the build before. A marker beside
the target says so until SCons has ended; a target whose marker is found is built again.
"""

from __future__ import annotations

import atexit
import itertools
import os
import re
import shutil
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scons_types import Env, Nodes

_PREFIX = ".mslite-part-"
_MARKER_SUFFIX = ".mslite-unrecorded"
_PART = re.escape(_PREFIX) + r"(\d+)-\d+"
_NUMBERS = itertools.count(1)
_LOCK = threading.Lock()
_TIDY: set[Path] = set()
_MARKERS: set[Path] = set()


@contextmanager
def scratch_directory(target: Path) -> Iterator[Path]:
    """Make an empty directory on the target's file system, and remove it with all that is left in it."""
    _tidy(target.parent)
    part = target.parent / f"{_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
    part.mkdir()
    try:
        yield part
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    """Remove a directory, which is empty where all went well."""
    try:
        part.rmdir()
    except OSError:
        shutil.rmtree(part, ignore_errors=True)


def _tidy(directory: Path) -> None:
    """Remove, once per run, what killed builds left in a directory."""
    with _LOCK:
        if directory in _TIDY:
            return
        _TIDY.add(directory)
    for entry in directory.iterdir():
        part = re.fullmatch(_PART, entry.name)
        if part and not _is_alive(int(part[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    """Whether a process exists. Windows has no harmless way to ask: there everything counts as alive."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _marker_name(target: str) -> str:
    return f".{target}{_MARKER_SUFFIX}"


def mark(target: Path) -> None:
    """Say that a target is being written which SCons has not recorded yet."""
    marker = target.with_name(_marker_name(target.name))
    with _LOCK:
        if not _MARKERS:
            atexit.register(_unmark_all)
        _MARKERS.add(marker)
    marker.touch()


def _unmark_all() -> None:
    """Remove this run's markers: SCons has written its record by now."""
    for marker in _MARKERS:
        marker.unlink(missing_ok=True)


def publish(parts: dict[Path, Path]) -> None:
    """Move the results of one action (`parts`: from → to) into place; the marker of the first one stands for all."""
    mark(next(iter(parts.values())))
    for part, target in parts.items():
        part.replace(target)


def distrust_unrecorded(env: Env, nodes: Nodes) -> None:
    """Build these targets again, all of them, when a killed build left the marker of one."""
    left = [node for node in nodes if _marker_name(node.name) in _markers_in(node.dir.get_abspath())]
    if left:
        env.AlwaysBuild(nodes)
        env.Clean(nodes, [env.fs.File(f"{node.dir.get_abspath()}{os.sep}{_marker_name(node.name)}") for node in left])


@lru_cache(maxsize=256)
def _markers_in(directory: str) -> frozenset[str]:
    """Return the markers of earlier builds; asked while build descriptions are read, before this one makes any."""
    try:
        return frozenset(name for name in os.listdir(directory) if name.endswith(_MARKER_SUFFIX))  # noqa: PTH208 - names
    except OSError:
        return frozenset()
