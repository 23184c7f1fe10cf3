"""What a message says besides the fact: the spelling that was probably meant, and text that is safe to print."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_NAME = 64
_LONGEST_SHOWN = 80


def closest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that `word` was probably meant to be: case and a few letters may differ."""
    return _closest(word, tuple(names)) if len(word) <= _LONGEST_NAME else None


@lru_cache(maxsize=1024)
def _closest(word: str, names: tuple[str, ...]) -> str | None:
    by_lower = {name.lower(): name for name in reversed(names)}
    found = get_close_matches(word.strip().lower(), list(by_lower), n=1, cutoff=0.75)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, names: Iterable[str]) -> str | None:
    """Return the hint `did you mean 'x'?`, or None where nothing is close."""
    name = closest(word, names)
    return None if name is None else f"did you mean '{name}'?"


def shown(text: str) -> str:
    """Return text in one printable line of bounded length."""
    escaped = "".join(letter if letter.isprintable() else _escape(letter) for letter in text[: _LONGEST_SHOWN + 1])
    return escaped if len(text) <= _LONGEST_SHOWN else escaped[:_LONGEST_SHOWN] + "..."


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def one_of(values: Iterable[str]) -> str:
    """Return `'a', 'b' or 'c'`."""
    quoted = [f"'{value}'" for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
