"""What a conversion reads besides its sources: split weights of a model, files and directories that a config names."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import SCons.Scanner

from . import home, options_step
from .places import real

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scons_types import Env, Node, Nodes

# SCons 4.0 calls it Base.
_Scanner = getattr(SCons.Scanner, "ScannerBase", None) or SCons.Scanner.Base


def _scan(node: Node, env: Env, _path: object = ()) -> Nodes:
    """Return the files that are read along with a source of a conversion, sorted, those that exist or will be made."""
    if node.name.endswith(options_step.SUFFIX):
        paths = _named_files(node.get_abspath(), env.Dir("#").get_abspath())
    else:
        paths = _split_weights(real(node).get_abspath())
    # An absolute path is looked up as it is, whatever blanks, '#' or '$' it holds.
    nodes = [env.fs.File(str(path)) for path in paths]
    return [found for found in nodes if found.is_derived() or found.exists()]


def _split_weights(model: str) -> Iterator[Path]:
    """Yield the files that hold the weights of a model; a model that cannot be read is the converter's to report."""
    home.require()
    from converter.mindir.external import external_locations  # noqa: PLC0415 - importable only after require()

    path = Path(model)
    for location in external_locations(path):
        yield path.parent / location


def _named_files(options: str, top: str) -> Iterator[Path]:
    for kind, name in options_step.read(options)["named"]:
        path = Path(top) / name
        if kind == "directory":
            yield from _files_below(path)
        else:
            yield path


def _files_below(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders.sort()
        yield from (Path(folder) / name for name in sorted(names))


def directory_names(options: str, top: str) -> str:
    """Return a short text that changes when a file in a named directory is added, deleted or renamed.

    SCons compares dependencies by position and content, never by name.
    """
    texts = []
    for kind, name in options_step.read(options)["named"]:
        if kind != "directory":
            continue
        base = Path(top) / name
        names = [path.relative_to(base).as_posix() for path in _files_below(base)]
        digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
        texts.append(f"{name}: {len(names)} files, names {digest[:12]}")
    return "; ".join(texts)


MODEL_SCANNER = _Scanner(function=_scan, name="MSLiteScanner")
# Without a scanner of its own a builder's sources are scanned by whatever the host registered for their suffix.
NO_SCANNER = _Scanner(function=lambda _node, _env, _path=(): [], name="MSLiteNoScanner")
