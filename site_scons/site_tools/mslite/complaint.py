"""A mistake in the build description, located where the user wrote it."""

from __future__ import annotations

import sys
from pathlib import Path

import SCons
from SCons.Errors import UserError

_NOT_THE_USERS = (str(Path(__file__).resolve().parent), str(Path(SCons.__file__).resolve().parent))


def complain(message: str) -> UserError:
    """Return the UserError `SConstruct:5: message`.

    SCons itself would name the deepest frame outside of SCons, which is a file of this tool.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to ask who called
    while frame.f_back is not None and str(Path(frame.f_code.co_filename).resolve()).startswith(_NOT_THE_USERS):
        frame = frame.f_back
    return UserError(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}: {message}")
