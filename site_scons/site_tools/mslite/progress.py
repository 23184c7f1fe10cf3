"""A bar on a terminal for conversions that take long: calibration, mostly."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import SCons.Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .pool import Show

_WIDTH = 24
_CLEAR = "\r\033[K"
_LOCK = threading.Lock()


def is_wanted() -> bool:
    """Whether somebody watches: not with `-s`, and not where the output goes to a file or a pipe."""
    return bool(SCons.Action.print_actions) and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def bar(name: str) -> Iterator[Show]:
    """Give a function that draws the bar of one conversion; of several at once, the last one that moved is seen."""
    is_shown = False

    def show(what: str, done: int, total: int) -> None:
        nonlocal is_shown
        is_shown = True
        full = _WIDTH * done // max(total, 1)
        _write(f"{_CLEAR}{name}  [{'#' * full}{'.' * (_WIDTH - full)}] {what} {done}/{total}")

    yield show
    if is_shown:
        _write(_CLEAR)


def _write(text: str) -> None:
    with _LOCK:
        sys.stdout.write(text)
        sys.stdout.flush()
