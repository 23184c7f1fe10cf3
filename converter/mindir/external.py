"""Split weights: which other files a `.mindir` needs. Standard library only; SCons scans with this."""

from __future__ import annotations

import mmap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from converter.encryption import is_encrypted
from converter.mindir.wire import WireError, fields

if TYPE_CHECKING:
    from converter.mindir.wire import Buffer

_OLD_MODEL, _OLD_WEIGHTS = "_graph.mindir", "_variables"
_GRAPH, _PARAMETER, _EXTERNAL_DATA, _LOCATION = 7, 3, 12, 1


def external_locations(path: Path) -> tuple[str, ...]:
    """Locations named by the parameters' `external_data`, sorted, relative to the directory of the `.mindir`.

    Locations that leave the directory are left out here (reading the model reports them). A file that cannot be read
    or is not a MindIR has none: a build tool scans before it knows that the file is good. An encrypted model does not
    say; its weights are where MindSpore writes them.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if is_encrypted(data):
                return listed_locations(path)
            found = _scan(data)
    except (OSError, ValueError, WireError):
        return ()
    return tuple(sorted(location for location in found if is_inside(location)))


def listed_locations(path: Path) -> tuple[str, ...]:
    """All files where MindSpore stores split weights: early 1.x names none, and an encrypted model hides the names."""
    if not path.name.endswith(_OLD_MODEL):
        return ()
    folder = path.with_name(path.name.removesuffix(_OLD_MODEL) + _OLD_WEIGHTS)
    try:
        return tuple(sorted(f"{folder.name}/{entry.name}" for entry in folder.iterdir() if _is_data(entry)))
    except OSError:
        return ()


def _is_data(entry: Path) -> bool:
    return entry.is_file() and not entry.name.startswith(".")


def is_inside(location: str) -> bool:
    """Whether a location stays in the directory of the model: relative, and without `..`."""
    pure = PurePosixPath(location.replace("\\", "/"))
    return bool(location) and not pure.is_absolute() and ".." not in pure.parts and ":" not in pure.parts[0]


def _scan(data: Buffer) -> set[str]:
    """All locations in the main graph's parameters."""
    found: set[str] = set()
    for graph in fields(data, 0, len(data)):
        if graph.number != _GRAPH:
            continue
        for parameter in fields(data, graph.start, graph.end):
            if parameter.number == _PARAMETER:
                found.update(_locations(data, parameter.start, parameter.end))
    return found


def _locations(data: Buffer, start: int, end: int) -> list[str]:
    """The location of one tensor, if its bytes are elsewhere."""
    return [
        bytes(data[field.start : field.end]).decode("utf-8", "replace")
        for external in fields(data, start, end)
        if external.number == _EXTERNAL_DATA
        for field in fields(data, external.start, external.end)
        if field.number == _LOCATION
    ]
