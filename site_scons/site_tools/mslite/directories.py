"""Directories that a config names, thousands of calibration samples maybe: one line of a signature, not one node each.

SCons takes 0.2 ms for each file that it knows. Here a file costs one `stat`; its content is hashed again only when time
stamp or size have changed.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from . import memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scons_types import Env, Node, Nodes

_DIGITS = 16


def describe(names: list[str], top: str) -> str:
    """Return a text that changes when a file in one of the directories is edited, added, deleted or renamed."""
    return "; ".join(_describe_one(name, top) for name in names)


def _describe_one(name: str, top: str) -> str:
    known = memory.recall("directories", name, []) or {}
    found: dict[str, list[int | str]] = {}
    base = os.path.join(top, name)  # noqa: PTH118 - this is the inner loop of an up-to-date build
    for path, status in _files_below(base):
        identity = [status.st_mtime_ns, status.st_size, status.st_ino]
        relative = path[len(base) + 1 :].replace(os.sep, "/")
        before = known.get(relative)
        digest = before[-1] if before is not None and before[:-1] == identity else _digest(path)
        found[relative] = [*identity, digest]
    _keep(name, known, found)
    names = hashlib.sha256("\0".join(found).encode("utf-8", "surrogateescape")).hexdigest()
    content = hashlib.sha256("\0".join(str(entry[-1]) for entry in found.values()).encode()).hexdigest()
    return f"{name}: {len(found)} files, names {names[:_DIGITS]}, content {content[:_DIGITS]}"


def _keep(name: str, known: dict[str, list[int | str]], found: dict[str, list[int | str]]) -> None:
    settled = {path: entry for path, entry in found.items() if memory.is_settled(int(entry[0]))}
    if settled != known:
        memory.remember("directories", name, [], settled)


def _files_below(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and status of all files, folder by folder, by name; what cannot be looked at is not there."""
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in ordered:
        if entry.is_dir():
            yield from _files_below(entry.path)
        elif entry.is_file():
            yield entry.path, entry.stat()


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:_DIGITS]


def made_by_the_build(env: Env, name: str) -> Nodes:
    """Return the files in a directory that this build makes: they have to be there before the conversion."""
    return list(_derived(env.fs.Dir(f"{env.Dir('#').get_abspath()}{os.sep}{name}")))


def _derived(directory: Node) -> Iterator[Node]:
    for name, node in sorted(directory.entries.items()):
        if name in {".", ".."}:
            continue
        if hasattr(node, "entries"):
            yield from _derived(node)
        elif node.is_derived():
            yield node
