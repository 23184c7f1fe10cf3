"""A file that is read where it is asked for: nothing is mapped, so a model's weights never count as our memory."""

from __future__ import annotations

import errno
import os
import stat
import weakref
from typing import TYPE_CHECKING, overload

from converter.errors import fail

if TYPE_CHECKING:
    from pathlib import Path

    from converter.errors import ConversionError

_WINDOW = 1 << 16  # bytes kept for reading a file number by number
_AGAIN = "convert again, once whoever writes it is done"
_CANNOT_COPY = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF})


class InputFile:
    """A regular file, opened once: bytes by position, and what it takes to notice that somebody changed it.

    A file that is cut short while we read raises `ConversionError` E301, where a mapping would kill the process.
    """

    def __init__(self, path: Path) -> None:
        """Open; raises `OSError`."""
        self.path = path
        # A pipe without a writer must not keep us waiting; regular files are never non-blocking.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
        self._handle = os.open(path, flags)
        weakref.finalize(self, os.close, self._handle)
        found = os.fstat(self._handle)
        if not stat.S_ISREG(found.st_mode):
            code = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            raise OSError(code, os.strerror(code) if code == errno.EISDIR else "not a regular file", str(path))
        self._identity = _identity(found)
        self._size = found.st_size
        self._start, self._window = 0, b""

    def __len__(self) -> int:
        """Size when it was opened."""
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        """One byte, or a run of them; near ones come from the same read."""
        if isinstance(key, slice):
            start, stop, _ = key.indices(self._size)
            first = start - self._start
            if first >= 0 and stop <= self._start + len(self._window):
                return self._window[first : stop - self._start]
            return self.read(start, max(stop - start, 0))
        place = key - self._start
        if not 0 <= place < len(self._window):
            self._start, self._window = key, self.read(key, min(_WINDOW, self._size - key))
            place = 0
        return self._window[place]

    def read(self, offset: int, length: int) -> bytes:
        """Exactly so many bytes."""
        data = bytearray(length)
        self.read_into(offset, memoryview(data))
        return bytes(data)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the buffer, which is flat bytes."""
        done = 0
        while done < len(buffer):
            try:
                count = _read_at(self._handle, buffer[done:], offset + done)
            except OSError as problem:
                raise fail("E301", f"cannot be read: {problem.strerror}", path=str(self.path)) from problem
            if not count:
                raise self._cut_short()
            done += count

    def copy_to(self, handle: int, offset: int, length: int) -> int:
        """Let the kernel append bytes to an open file; returns how many, as not all systems can. Raises `OSError`."""
        done = 0
        while done < length and hasattr(os, "copy_file_range"):
            try:
                count = os.copy_file_range(self._handle, handle, length - done, offset + done)
            except OSError as problem:
                if problem.errno not in _CANNOT_COPY:
                    raise
                break
            if not count:
                raise self._cut_short()
            done += count
        return done

    @property
    def is_unchanged(self) -> bool:
        """Whether the path still leads to this file, and nobody has written to it since it was opened."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return _identity(found) == self._identity == _identity(os.fstat(self._handle))

    def check_unchanged(self) -> None:
        """Raise `ConversionError` E301 when what was read may be of two minds."""
        if not self.is_unchanged:
            raise fail("E301", "the file was changed during the conversion", path=str(self.path), hint=_AGAIN)

    def _cut_short(self) -> ConversionError:
        return fail("E301", "the file became shorter while it was read", path=str(self.path), hint=_AGAIN)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read_at(handle: int, buffer: memoryview, offset: int) -> int:
    """One read at a position; returns the number of bytes."""
    if hasattr(os, "preadv"):
        return os.preadv(handle, [buffer], offset)
    os.lseek(handle, offset, os.SEEK_SET)
    data = os.read(handle, len(buffer))
    buffer[: len(data)] = data
    return len(data)
