"""What a build remembers for the next one, so that an up-to-date build need not read it again.

One JSON file beside the manifest. Everything in it can be computed anew at any time; each entry says by which time
stamps, sizes or hashes it is recognized. What changed just before the build began is not remembered: another edit
might bear the same time stamp.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .signed import is_dry_run

if TYPE_CHECKING:
    from .scons_types import Env, Node

_FORMAT = 1
# Every file is looked at after this.
_BEGUN_NS = time.time_ns()
_SECOND_NS = 1_000_000_000


class _Memory:
    """The file's content, by table and key: [identity, value]."""

    def __init__(self) -> None:
        """Know nothing, and keep it nowhere."""
        self.path: Path | None = None
        self.tables: dict[str, dict[str, list[Any]]] = {}
        self.is_changed = False


_MEMORY = _Memory()


def open_beside(env: Env, manifest: Node) -> None:
    """Use the file beside a manifest, that of the first one in a build."""
    if _MEMORY.path is not None:
        return
    node = env.fs.File(f"{manifest.dir.get_abspath()}{os.sep}.{manifest.name}.memory")
    _MEMORY.path = Path(node.get_abspath())
    env.Clean(manifest, node)
    _MEMORY.tables = _read(_MEMORY.path)
    if not env.GetOption("clean"):
        atexit.register(_save)


def _read(path: Path) -> dict[str, dict[str, list[Any]]]:
    """Return the tables; a file that is not there, damaged or of another version holds none."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] == _FORMAT:
            tables: dict[str, dict[str, list[Any]]] = content["tables"]
            return tables
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {}


def recall(table: str, key: str, identity: list[Any]) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Return what is known of `key`, None where nothing is, or of something with another identity."""
    known = _MEMORY.tables.get(table, {}).get(key)
    return known[1] if known is not None and known[0] == identity else None


def remember(table: str, key: str, identity: list[Any], value: object) -> None:
    """Keep a value for the next build."""
    _MEMORY.tables.setdefault(table, {})[key] = [identity, value]
    _MEMORY.is_changed = True


def identity_of(status: os.stat_result) -> list[int]:
    """Return by what a file is recognized: two time stamps, size and number."""
    return [status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns]


def is_settled_file(identity: list[int]) -> bool:
    """Whether both time stamps of a file are old enough."""
    return is_settled(identity[0]) and is_settled(identity[3])


def digest_of(path: str) -> str | None:
    """Return the SHA-256 of a small file, None where it cannot be read; read again only when it was touched."""
    try:
        identity = identity_of(os.stat(path))  # noqa: PTH116 - runs several times for every model of a build
        known = recall("files", path, identity)
        if known is not None:
            return str(known)
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None
    if is_settled_file(identity):
        remember("files", path, identity, digest)
    return digest


def is_settled(changed_ns: int) -> bool:
    """Whether a time stamp is old enough to tell an edit from the one before.

    File systems count in nanoseconds, but the clock behind them has ticks; some count in pairs of seconds.
    """
    return _BEGUN_NS - changed_ns > (_SECOND_NS // 10 if changed_ns % _SECOND_NS else 2 * _SECOND_NS)


def _save() -> None:
    """Write at the end of the build; a directory that cannot be written costs time in the next one, nothing else."""
    path = _MEMORY.path
    if path is None or not _MEMORY.is_changed or is_dry_run() or not path.parent.is_dir():
        return
    part = path.with_name(f"{path.name}-{os.getpid()}")
    text = json.dumps({"format": _FORMAT, "tables": _MEMORY.tables}, separators=(",", ":"))
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
