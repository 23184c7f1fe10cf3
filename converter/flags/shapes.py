"""The value of `--inputShape`: names and dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.config.hints import shown
from converter.errors import Problem

if TYPE_CHECKING:
    from converter.errors import Problems

_LARGEST = (1 << 31) - 1
_HINT = "write '--inputShape=name:1,32,32;name2:5'"


def parse_shapes(text: str, problems: Problems) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Parse `name:1,32,32;name2:5`; the last colon ends a name. What is wrong goes to `problems`, as E103."""
    shapes: dict[str, tuple[int, ...]] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, colon, dims = part.rpartition(":")
        name = name.strip()
        if not colon or not name:
            _report(problems, f"'{shown(part)}' is not a name, ':' and dimensions")
        elif name in shapes:
            _report(problems, f"'{shown(name)}' is given twice")
        else:
            shapes[name] = _dims(name, dims, problems)
    return tuple(shapes.items())


def _dims(name: str, text: str, problems: Problems) -> tuple[int, ...]:
    dims: list[int] = []
    for word in (each.strip() for each in text.split(",")):
        is_number = word.isascii() and word.isdigit() and len(word) <= len(str(_LARGEST))
        dims.append(int(word) if is_number else 0)
        if not 1 <= dims[-1] <= _LARGEST:
            _report(problems, f"'{shown(word)}' for '{shown(name)}' is not a dimension, a number from 1 to {_LARGEST}")
    return tuple(dims)


def _report(problems: Problems, message: str) -> None:
    problems.add(Problem("E103", f"--inputShape: {message}", hint=_HINT))
