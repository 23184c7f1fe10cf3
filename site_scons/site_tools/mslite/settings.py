"""What a model's config file says, in canonical form: what only a value can change, not a comment or the order.

It becomes part of the conversion's signature, so the config file itself is no dependency: SCons compares the values,
and `--debug=explain` prints them, old and new.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import home, memory
from .places import real

if TYPE_CHECKING:
    from .scons_types import Env


class Settings(NamedTuple):
    """Values that differ from their defaults, by section; what is named, as (kind, place).

    `fault` is set, and the rest empty, for a config that cannot be used; the conversion reports why.
    """

    values: dict[str, dict[str, Any]]
    named: tuple[tuple[str, str], ...] = ()
    fault: str = ""

    @property
    def directories(self) -> list[str]:
        """Places of the directories that are named."""
        return [place for kind, place in self.named if kind == "directory"]

    def __str__(self) -> str:
        """Return the values as one line."""
        words = []
        for section, values in sorted(self.values.items()):
            words.append(f"[{section}]")
            words += [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items())]
        return " ".join([*words, *([self.fault] if self.fault else [])])


_NOTHING = Settings({})
_KNOWN: dict[tuple[str, str], Settings] = {}


def read(env: Env) -> Settings:
    """Return what the config of an environment says now; without a config, nothing."""
    config = env.get("MSLITE_CONFIG")
    if not config:
        return _NOTHING
    node = real(config)
    content = _content(node.get_abspath())
    digest = hashlib.sha256(content).hexdigest() if content is not None else "missing"
    return _remembered(env, (node.get_path(), digest), content)


def _content(path: str) -> bytes | None:
    """Return the config's bytes, None where they cannot be read."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - runs several times for every model of an up-to-date build
            return stream.read()
    except OSError:
        return None


def _remembered(env: Env, key: tuple[str, str], content: bytes | None) -> Settings:
    if key not in _KNOWN:
        _KNOWN[key] = Settings({}, fault="(no config)") if content is None else _recalled(env, key)
    return _KNOWN[key]


def _recalled(env: Env, key: tuple[str, str]) -> Settings:
    """Return what an earlier build found in the same bytes, or parse them."""
    path, digest = key
    identity = [home.version_text(), digest]
    known = memory.recall("configs", path, identity)
    if known is None:
        known = _canonical(path, env.Dir("#").get_abspath())
        memory.remember("configs", path, identity, known)
    if known["fault"]:
        return Settings({}, fault=f"(faulty config {digest[:16]})")
    named = tuple((kind, place) for kind, place in known["named"])
    return Settings(known["values"], named)


def _canonical(path: str, top: str) -> dict[str, Any]:
    """Parse; a fault is kept without its text, which the conversion gives with all that it needs.

    No named file is looked at: both places where it may lie (beside the config, and in `top`, the SConstruct's
    directory) are listed, below `top` as relative paths, so that two checkouts share cached models.
    """
    home.require()
    from converter.config import parse_config  # noqa: PLC0415 - importable only after require()
    from converter.config.files import read_text  # noqa: PLC0415
    from converter.errors import ConversionError  # noqa: PLC0415

    try:
        config = parse_config(read_text(Path(path)), Path(path))
    except ConversionError:
        return {"fault": True}
    return {
        "fault": False,
        "named": sorted({(entry.kind, place) for entry in config.inputs for place in _places(entry.path, path, top)}),
        "values": json.loads(config.canonical()),
    }


def _places(beside: Path, config_path: str, top: str) -> set[str]:
    """Return where a name may lead: beside the config, and in the working directory of the conversion."""
    name = os.path.relpath(beside, os.path.dirname(config_path) or ".")  # noqa: PTH120 - pathlib makes no `..`
    return {_portable(beside, top), _portable(Path(name), top)}


def _portable(path: Path, top: str) -> str:
    absolute = Path(os.path.normpath(Path(top) / path))
    return absolute.relative_to(top).as_posix() if absolute.is_relative_to(top) else absolute.as_posix()
