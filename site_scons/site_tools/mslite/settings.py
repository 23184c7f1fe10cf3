"""What a model's config file says, in canonical form: what only a value can change, not a comment or the order.

It becomes part of the conversion's signature, so the config file itself is no dependency: SCons compares the values,
and `--debug=explain` prints them, old and new.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import home, memory
from .places import real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.config import ConfigInput

    from .scons_types import Env


class Settings(NamedTuple):
    """Values that differ from their defaults, by section; what is named, as (kind, place); hashes of included files.

    `fault` is set, and the rest empty, for a config that cannot be used; the conversion reports why.
    """

    values: dict[str, dict[str, Any]]
    named: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    included: Mapping[str, str | None] = MappingProxyType({})

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
    digest = memory.digest_of(node.get_abspath())
    if digest is None:
        return Settings({}, fault="(no config)")
    key = (node.get_path(), digest)
    top = env.Dir("#").get_abspath()
    known = _KNOWN.get(key)
    if known is None or not _is_current(known.included, top):
        known = _recalled(*key, top)
        _KNOWN[key] = known
    return known


def _is_current(included: Mapping[str, str | None], top: str) -> bool:
    """Whether included files are as they were."""
    return all(memory.digest_of(os.path.join(top, path)) == digest for path, digest in included.items())  # noqa: PTH118


def _recalled(path: str, digest: str, top: str) -> Settings:
    """Return what an earlier build found in the same bytes, or parse them."""
    identity = [home.version_text(), digest]
    known = memory.recall("configs", path, identity)
    if known is None or not _is_current(known["included"], top):
        known = _canonical(path, top)
        memory.remember("configs", path, identity, known)
    if known["fault"]:
        return Settings({}, (), f"(faulty config {digest[:16]})", known["included"])
    named = tuple((kind, place) for kind, place in known["named"])
    return Settings(known["values"], named, included=known["included"])


def _canonical(path: str, top: str) -> dict[str, Any]:
    """Parse; a fault is kept without its text, which the conversion gives with all that it needs.

    No named file is looked at: both places where it may lie (beside the config, and in `top`, the SConstruct's
    directory) are listed, below `top` as relative paths, so that two checkouts share cached models.
    """
    home.require()
    from converter.config import included_files, parse_config  # noqa: PLC0415 - importable only after require()
    from converter.config.files import read_text  # noqa: PLC0415
    from converter.errors import ConversionError  # noqa: PLC0415

    places = {_portable(each, top): str(Path(top, each)) for each in included_files(Path(path))}
    said: dict[str, Any] = {
        "fault": False,
        "included": {name: memory.digest_of(place) for name, place in places.items()},
    }
    try:
        config = parse_config(read_text(Path(path)), Path(path))
    except ConversionError:
        return {**said, "fault": True}
    named = {(entry.kind, place) for entry in config.inputs for place in _places(entry, top)}
    return {**said, "named": sorted(named), "values": json.loads(config.canonical())}


def _places(entry: ConfigInput, top: str) -> set[str]:
    """Return where a name may lead: beside the file that names it, and in the working directory of the conversion."""
    return {_portable(entry.path, top), _portable(Path(entry.name), top)}


def _portable(path: Path, top: str) -> str:
    absolute = Path(os.path.normpath(Path(top) / path))
    return absolute.relative_to(top).as_posix() if absolute.is_relative_to(top) else absolute.as_posix()
