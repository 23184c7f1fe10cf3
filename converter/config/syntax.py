"""The lines of a config file: comments and blanks go, headers and `key=value` entries stay, with their line.

The rules are those of the official converter (first-column comments, blanks trimmed, every `"` deleted, exactly one
`=` per entry); a line that it misreads or rejects is a located problem here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.config.hints import shown
from converter.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES = 9999
INCLUDE = "include"
MOST_INCLUDED = 64


@dataclass(frozen=True)
class Header:
    """`[name]` on a line; `rest` is what follows `]`, None where there is no `]`."""

    line: int
    name: str
    rest: str | None


@dataclass(frozen=True)
class Entry:
    """`key=value` on a line, both trimmed."""

    line: int
    key: str
    text: str


def scan(text: str, path: str) -> tuple[list[Header | Entry], list[Problem]]:
    """Split a config file into headers and entries, in order, and the problems of all other lines."""
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return [], [Problem("E113", "this is not a text file", path, line)]
    found: list[Header | Entry] = []
    problems: list[Problem] = []
    for count, (line, content) in enumerate(_significant(text), start=1):
        if count > MOST_LINES:
            hint = "only lines that are neither blank nor comments count"
            problems.append(Problem("E113", f"more than {MOST_LINES} lines", path, line, hint=hint))
            break
        item = _item(line, content)
        if isinstance(item, Header | Entry):
            found.append(item)
        else:
            message, hint_ = item
            problems.append(Problem("E113", message, path, line, hint=hint_))
    return found, problems


def included_names(text: str) -> list[str]:
    """Return the names of the files that a config includes; what is wrong with it is for `scan` to say."""
    names: list[str] = []
    for item in scan(text, "")[0]:
        if isinstance(item, Header):
            break
        if item.key == INCLUDE:
            names.append(item.text)
    return names


def _significant(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, content) of every line that is neither blank nor a first-column comment."""
    for line, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        content = raw.replace("\r", "")
        if content.startswith("#"):
            continue
        content = content.strip(" ").replace('"', "")
        if content.strip(" \t"):
            yield line, content


def _item(line: int, content: str) -> Header | Entry | tuple[str, str | None]:
    """Read one line, or return (message, hint) of what is wrong with it."""
    if content.startswith("["):
        name, bracket, rest = content[1:].partition("]")
        return Header(line, name.strip(" "), rest.strip(" ") if bracket else None)
    wrong = _wrong(content)
    if wrong is not None:
        return wrong
    key, _, value = content.partition("=")
    return Entry(line, key.strip(" "), value.strip(" "))


def _wrong(content: str) -> tuple[str, str | None] | None:
    """Return (message, hint) for a line that is not `key=value`."""
    if content.lstrip(" \t").startswith("#"):
        return "a comment starts in the first column", "remove the blanks before '#'"
    if any("\ud800" <= letter <= "\udfff" for letter in content):
        return f"'{shown(content)}' is not UTF-8 text", "save the file as UTF-8"
    key, *values = (part.strip(" ") for part in content.split("="))
    if not values:
        return f"'{shown(content)}' is neither a [section] nor key=value", _missing_sign(content)
    if len(values) > 1:
        return f"'{shown(content)}' has more than one '='", "a value cannot contain '='"
    if not (key and values[0]):
        missing = "value" if key else "key"
        return f"'{shown(content)}' has no {missing}", "write key=value, or remove the line"
    return None


def _missing_sign(content: str) -> str | None:
    """Guess which sign was left out of, or mistaken in, a line without `=`."""
    if content.endswith("]"):
        return f"write '[{shown(content)}'"
    for separator in (":", " ", "\t"):
        key, found, value = content.partition(separator)
        if found and value.strip():
            return f"write '{shown(key.strip())}={shown(value.strip())}'"
    return None
