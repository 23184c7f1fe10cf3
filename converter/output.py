"""Files that are either whole or not there: written beside their target, then renamed.

What takes the place of an old file is synced first, so that a power failure leaves one of the two. A new file is not:
nothing is lost with it that the next build does not make again, and waiting for the disk takes longer than converting.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_PREFIX_LENGTH = 32


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `target` when the block ends well and leaves nothing behind otherwise.

    Missing directories are created. The mode is what the user's umask gives a new file. Raises `ConversionError` E120.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Cut, so that a name of the greatest length has room for what makes the temporary one unique.
        prefix = f".{target.name[:_PREFIX_LENGTH]}."
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=target.parent)
    except OSError as problem:
        raise _unwritable(target, problem) from problem
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            replaces = target.exists()
            if replaces:
                os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
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


def _umask() -> int:
    """The process's umask; reading it means setting it, on every system that has one."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_directory(folder: Path) -> None:
    """Make the rename itself durable, where directories can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
