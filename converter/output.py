"""Files that are either whole or not there: written beside their target, then renamed.

What takes the place of an old file is synced first, so that a power failure leaves one of the two. A new file is not:
nothing is lost with it that the next build does not make again, and waiting for the disk takes longer than converting.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from converter.errors import fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_PREFIX_LENGTH = 32


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `target` when the block ends well and leaves nothing behind otherwise.

    Missing directories are created. The mode is what the user's umask gives a new file. Raises `ConversionError` E120.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _create_beside(target)
    except OSError as problem:
        raise _unwritable(target, problem) from problem
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            replaces = target.exists()
            if replaces:
                os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as problem:
        raise _unwritable(target, problem) from problem
    finally:
        temporary.unlink(missing_ok=True)
    if replaces:
        _sync_directory(target.parent)


def _unwritable(target: Path, problem: OSError) -> Exception:
    """The located problem for a file that cannot be written."""
    if isinstance(problem, FileExistsError):
        # What exists is a file where the target needs a directory.
        return fail("E120", f"the output cannot be written: {problem.filename!r} is no directory", path=str(target))
    return fail("E120", f"the output cannot be written: {problem.strerror}", path=str(target))


def _create_beside(target: Path) -> tuple[int, Path]:
    """A new file in the same directory, open for writing, with the mode that the umask leaves."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    for number in count():
        # Cut, so that a name of the greatest length has room for what makes the temporary one unique.
        path = target.with_name(f".{target.name[:_PREFIX_LENGTH]}.{os.getpid()}-{number}.tmp")
        try:
            return os.open(path, flags, 0o666), path
        except FileExistsError:
            continue  # left behind by a process that was killed, or another thread's
    raise AssertionError


def _sync_directory(folder: Path) -> None:
    """Make the rename itself durable, where directories can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
