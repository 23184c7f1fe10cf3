"""Step one of a model: its config file becomes canonical options, a small JSON file that only a value can change."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import home, scratch
from .places import real
from .signed import SignedAction, failed

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Node, Nodes

SUFFIX = ".options.json"


def _write(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    """Write the canonical options of `source` (a config, or nothing) into `target`."""
    home.require()
    from converter.errors import ConversionError  # noqa: PLC0415 - importable only after require()

    try:
        text = _text(source[0] if source else None, env)
    except ConversionError as failure:
        return failed(str(failure))
    path = Path(target[0].get_abspath())
    scratch.mark(path)
    path.write_text(text, encoding="utf-8", newline="\n")
    return None


def would_change(options: Node, env: Env) -> bool:
    """Whether step one would write other options; in a dry run it writes nothing, and SCons sees the old ones."""
    home.require()
    from converter.errors import ConversionError  # noqa: PLC0415 - importable only after require()

    path = Path(options.get_abspath())
    try:
        return not path.exists() or path.read_text(encoding="utf-8") != _text(env.get("MSLITE_CONFIG"), env)
    except ConversionError:
        return True


def _text(config: Node, env: Env) -> str:
    return canonical_text(real(config).get_path() if config else None, env.Dir("#").get_abspath())


def canonical_text(config_path: str | None, top: str) -> str:
    """Return the JSON text of a config's options and of what it names; ConversionError for a wrong config.

    No named file is looked at: both places where it may lie (beside the config, and in `top`, the SConstruct's
    directory) are listed, below `top` as relative paths, so that two checkouts share cached models.
    """
    from converter.config import convert_options, parse_config  # noqa: PLC0415 - importable only after require()
    from converter.config.files import read_text  # noqa: PLC0415

    config = None if config_path is None else parse_config(read_text(Path(config_path)), Path(config_path))
    named = () if config is None else config.inputs
    canonical = {
        "named": sorted(
            {(entry.kind, place) for entry in named for place in _places(entry.path, config_path or "", top)}
        ),
        "options": convert_options(config).canonical(),
        "values": {} if config is None else json.loads(config.canonical()),
    }
    return json.dumps(canonical, indent=1, sort_keys=True) + "\n"


def _places(beside: Path, config_path: str, top: str) -> set[str]:
    """Return where a name may lead: beside the config, and in the working directory of the conversion."""
    name = os.path.relpath(beside, os.path.dirname(config_path) or ".")  # noqa: PTH120 - pathlib makes no `..`
    return {_portable(beside, top), _portable(Path(name), top)}


def _portable(path: Path, top: str) -> str:
    absolute = Path(os.path.normpath(Path(top) / path))
    return absolute.relative_to(top).as_posix() if absolute.is_relative_to(top) else absolute.as_posix()


def _describe(_target: Nodes, _source: Nodes, _env: Env) -> str:
    return f"mslite-options {home.version_text()}"


ACTION = SignedAction(_write, _describe)


def read(path: str) -> dict[str, Any]:
    """Return the canonical options in a file, not to be changed; what is not there yet names nothing."""
    try:
        status = os.stat(path)  # noqa: PTH116 - runs several times for every model of an up-to-date build
    except FileNotFoundError:
        return {"named": [], "options": {}, "values": {}}
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _read(path: str, _changed_ns: int, _size: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content
