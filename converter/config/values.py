"""One value of a config file: its text to a typed, range-checked value."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from converter.config.hints import closest, one_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.config.keys import Key, Kind, Value

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
_MOST_DIGITS = 18
_MOST_PLUGINS = 10


class WrongValueError(Exception):
    """A value that cannot be used: what is wrong with it, and a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the two parts of the problem."""
        super().__init__(message)
        self.message = message
        self.hint = hint


def read_value(key: Key, text: str) -> Value:
    """Return the typed value of `key`; WrongValueError for one that the official converter could not use."""
    return _READERS[key.kind](key, text)


def _text(_key: Key, text: str) -> Value:
    return text


def _choice(key: Key, text: str) -> Value:
    if text in key.values:
        return text
    meant = closest(text, key.values)
    hint = _comment_hint(text) or (None if meant is None else f"did you mean '{meant}'?")
    raise WrongValueError(f"'{shown(text)}' is not {one_of(key.values)}", hint)


def _bool(_key: Key, text: str) -> Value:
    lowered = text.lower()
    if lowered in {"true", "false"}:
        return lowered == "true"
    raise WrongValueError(f"'{shown(text)}' is not 'true' or 'false'", _comment_hint(text))


def _int(key: Key, text: str) -> Value:
    if not _INTEGER.fullmatch(text):
        raise WrongValueError(f"'{shown(text)}' is not a whole number", _comment_hint(text))
    if len(text.lstrip("+-0")) > _MOST_DIGITS:
        raise WrongValueError(f"{shown(text)} is not {limits(key)}")
    value = int(text)
    if not key.low <= value <= key.high:
        raise WrongValueError(f"{value} is not {limits(key)}")
    return value


def _float(key: Key, text: str) -> Value:
    value = _number(text)
    inside = key.low < value < key.high if key.is_open else key.low <= value <= key.high
    if not inside:
        raise WrongValueError(f"{shown(text)} is not {limits(key)}")
    return value


def _floats(_key: Key, text: str) -> Value:
    if not (text.startswith("[") and text.endswith("]")):
        raise WrongValueError(f"'{shown(text)}' is not a list of numbers", "write it like [0.5,0.5,0.5]")
    return tuple(_number(part.strip(" ")) for part in text[1:-1].split(","))


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise WrongValueError(f"'{shown(text)}' is not a number", _comment_hint(text))
    value = float(text)
    if not math.isfinite(value):
        raise WrongValueError(f"{shown(text)} is too large")
    return value + 0.0  # no negative zero: it would be another canonical text for the same number


def _names(_key: Key, text: str) -> Value:
    return tuple(part.strip(" ") for part in text.split(",") if part.strip(" "))


def _files(_key: Key, text: str) -> Value:
    files = tuple(part.strip(" ") for part in text.split(";") if part.strip(" "))
    if not files:
        raise WrongValueError(f"'{shown(text)}' names no file")
    if len(files) > _MOST_PLUGINS:
        raise WrongValueError(f"{len(files)} files; at most {_MOST_PLUGINS} are allowed")
    return files


def _calibration(_key: Key, text: str) -> Value:
    """Read `input:directory,input2:directory2`; an input name may contain ':', a directory may stand in quotes."""
    pairs = tuple(_calibration_pair(part) for part in text.split(",") if part.strip(" "))
    if not pairs:
        raise WrongValueError(f"'{shown(text)}' names no directory")
    return pairs


def _calibration_pair(part: str) -> tuple[str, str]:
    name, _, directory = (piece.strip(" ") for piece in part.rpartition(":"))
    directory = directory.strip("'")
    if not name or not directory:
        raise WrongValueError(f"'{shown(part)}' is not INPUT:DIRECTORY", "write it like calibrate_path=data:samples")
    return name, directory


def _comment_hint(text: str) -> str | None:
    """Point at the usual cause of a wrong value: a comment or a tab after it."""
    if "#" in text:
        return "a comment needs a line of its own, with '#' in the first column"
    return "remove the tab" if "\t" in text else None


def limits(key: Key) -> str:
    """Describe the range of a number: `in [0, 16]`."""
    low, high = (f"{bound:.12g}" for bound in (key.low, key.high))
    return f"in ({low}, {high})" if key.is_open else f"in [{low}, {high}]"


_READERS: dict[Kind, Callable[[Key, str], Value]] = {
    "choice": _choice,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "floats": _floats,
    "names": _names,
    "text": _text,
    "place": _text,
    "file": _text,
    "files": _files,
    "directory": _text,
    "calibration": _calibration,
}
