"""Keys on a command line, overwritten where other users of the machine can read it."""

from __future__ import annotations

from pathlib import Path

# Fields of /proc/PID/stat behind the program's name, counted from zero: where the arguments start and end in memory.
_ARGUMENTS_START, _ARGUMENTS_END = 45, 46
_COVER = b"x"


def cover_arguments(*texts: str) -> None:
    """Overwrite the texts in what `ps` shows of this process. Where there is no /proc (not Linux), nothing happens."""
    if not texts:
        return
    import ctypes  # noqa: PLC0415 - hardly anybody gives a key

    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, end = int(fields[_ARGUMENTS_START]), int(fields[_ARGUMENTS_END])
    except (OSError, IndexError, ValueError):
        return
    if not start < end:
        return
    shown = ctypes.string_at(start, end - start)
    for text in filter(None, texts):
        secret = text.encode("utf-8", "surrogateescape")
        place = shown.find(secret)
        while place >= 0:
            ctypes.memmove(start + place, _COVER * len(secret), len(secret))
            place = shown.find(secret, place + 1)
