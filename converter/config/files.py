"""Files and directories that a config file names: where they are, and which are missing."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from converter.config.hints import shown
from converter.config.settings import Config, ConfigInput, Setting, located
from converter.config.syntax import MOST_INCLUDED, included_names
from converter.errors import ConversionError, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.errors import Problem

_LARGEST_CONFIG = 16 * 2**20  # bytes; a larger file is a model given by mistake


def read_text(path: Path) -> str:
    """Read a config file; bytes that are not UTF-8 survive as surrogates, so that only the line is at fault.

    Raises:
        ConversionError: E114 where there is no such readable, regular file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_CONFIG + 1)
    except FileNotFoundError:
        raise fail("E114", "the config file does not exist", path=str(path)) from None
    except IsADirectoryError:
        raise fail("E114", "the config file is a directory", path=str(path)) from None
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise fail("E114", f"the config file cannot be read: {reason}", path=str(path)) from problem
    if len(data) > _LARGEST_CONFIG:
        raise fail("E114", f"larger than {_LARGEST_CONFIG} bytes: this is no config file", path=str(path))
    return data.decode("utf-8", errors="surrogateescape")


def included_files(path: Path) -> tuple[Path, ...]:
    """Return every file that a config includes, and those that these include, whether they are there or not."""
    found: list[Path] = []
    pending = [path]
    while pending and len(found) < MOST_INCLUDED:
        config = pending.pop()
        try:
            names = included_names(read_text(config))
        except ConversionError:
            continue
        new = [each for each in dict.fromkeys(config.parent / name for name in names) if each not in (*found, path)]
        found += new
        pending += new
    return tuple(found)


def named_inputs(config: Config) -> tuple[ConfigInput, ...]:
    """Return everything that the config names, as if it lay beside the file that names it; no file is touched."""
    return tuple(
        ConfigInput(setting.file.parent / name, setting.section, setting.key, setting.line, kind, name)
        for setting, kind, name in _names(config)
    )


def find_inputs(config: Config) -> tuple[tuple[ConfigInput, ...], list[Problem], tuple[str, ...]]:
    """Return (inputs that exist, E115 problems of the others, warnings).

    A relative name means a path beside the config file. Only where nothing is there it means, as for the official
    converter, a path in the working directory. Where both exist the first one counts, with a warning.
    """
    inputs: list[ConfigInput] = []
    problems: list[Problem] = []
    warnings: list[str] = []
    for beside, (setting, kind, name) in zip(named_inputs(config), _names(config), strict=True):
        here, there = _identity(beside.path), _identity(Path(name))
        found = here or there
        where = f"{setting.key} in [{setting.section}]"
        if found is None:
            problems.append(_missing(setting, f"{where}: {kind} '{shown(name)}' does not exist"))
        elif found.is_directory != (kind == "directory"):
            problems.append(_missing(setting, f"{where}: '{shown(name)}' is not a {kind}"))
        else:
            inputs.append(beside if here else replace(beside, path=Path(name)))
        if here and there and here != there:
            warnings.append(
                f"{setting.file}:{setting.line}: {where}: '{shown(name)}' exists beside the config file and in the"
                " working directory; the one beside the config file is used"
            )
    return tuple(inputs), problems, tuple(warnings)


def _missing(setting: Setting, message: str) -> Problem:
    hint = "a relative name is looked up beside the config file, then in the working directory"
    return located("E115", message, setting.where, hint)


@dataclass(frozen=True)
class _Identity:
    """What a path leads to; two paths to one file are equal."""

    is_directory: bool
    device: int
    inode: int


def _identity(path: Path) -> _Identity | None:
    """Return what is at a path, None where nothing that can be looked at is (or can be, by such a name)."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return _Identity(stat.S_ISDIR(status.st_mode), status.st_dev, status.st_ino)


def _names(config: Config) -> Iterator[tuple[Setting, Literal["file", "directory"], str]]:
    """Yield (setting, kind, name as written) of everything that is read, in the order of the lines."""
    for setting in sorted(config.values.values(), key=lambda setting: setting.line):
        kind, value = setting.row[1].kind, setting.value
        if kind == "file":
            yield setting, "file", setting.text
        elif kind == "directory":
            yield setting, "directory", setting.text
        elif kind == "files" and isinstance(value, tuple):
            yield from ((setting, "file", str(name)) for name in value)
        elif kind == "calibration" and isinstance(value, tuple):
            yield from ((setting, "directory", pair[1]) for pair in value if isinstance(pair, tuple))
