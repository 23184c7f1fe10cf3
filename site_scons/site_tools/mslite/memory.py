"""What a build remembers for the next one, so that an up-to-date build need not read it again.

One JSON file beside the manifest. Everything in it can be computed anew at any time; each entry says by which time
stamps, sizes or hashes it is recognized. What changed just before the build began is not remembered: another edit
might bear the same time stamp.
"""

from __future__ import annotations

import atexit
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
