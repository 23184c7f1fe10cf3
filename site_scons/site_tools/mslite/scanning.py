"""What a conversion reads besides its model: files of split weights, files that the config names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Scanner

from . import directories, home, memory, settings, unchanged
from .places import file_at, real

if TYPE_CHECKING:
    from .scons_types import Env, Node, Nodes

# SCons 4.0 calls it Base.
_Scanner = getattr(SCons.Scanner, "ScannerBase", None) or SCons.Scanner.Base


def _scan(node: Node, env: Env, _path: object = ()) -> Nodes:
    """Return the files that are read along with a model, sorted, those that exist or will be made."""
    paths = _split_weights(node)
    listed = [] if paths else _listed_weights(node)
    paths += listed
    said = settings.read(env)
    made = [] if env.get("_MSLITE_REQUIRED") else _late_config(env)
    made += [node for node in (file_at(env, name) for name in said.included) if node.is_derived()]
    for kind, name in said.named:
        if kind == "directory":
            made += directories.made_by_the_build(env, name)
        else:
            paths.append(name)
    nodes = [file_at(env, path) for path in paths]
    # Another file in the directory would count as well: SCons has to look at such a model.
    if not listed:
        unchanged.note_read(node, env, [*nodes, *made])
    return [found for found in nodes if found.is_derived() or found.exists()] + made


def _late_config(env: Env) -> Nodes:
    """Return a config whose builder was declared after the model: a dependency like any other."""
    config = env.get("MSLITE_CONFIG")
    return [config] if config and config.is_derived() else []


def _split_weights(node: Node) -> list[str]:
    """Return the files that hold the weights of a model; a model that cannot be read is the converter's to report."""
    model = real(node)
    path = model.get_abspath()
    try:
        status = os.stat(path)  # noqa: PTH116 - runs for every model of an up-to-date build
    except OSError:
        return []
    identity: list[Any] = [status.st_mtime_ns, status.st_size, status.st_ino]
    locations = memory.recall("weights", model.get_path(), identity)
    if locations is None:
        home.require()
        from converter.mindir.external import external_locations  # noqa: PLC0415 - importable only after require()

        locations = list(external_locations(Path(path)))
        if memory.is_settled(status.st_mtime_ns):
            memory.remember("weights", model.get_path(), identity, locations)
    folder = os.path.dirname(path)  # noqa: PTH120 - as above
    return [f"{folder}{os.sep}{location}" for location in locations]


def _listed_weights(node: Node) -> list[str]:
    """Return the files of weights that an early MindSpore stored beside a model, which does not name them."""
    path = real(node).get_abspath()
    if not path.endswith("_graph.mindir"):
        return []
    home.require()
    from converter.mindir.external import listed_locations  # noqa: PLC0415 - importable only after require()

    return [str(Path(path).parent / location) for location in listed_locations(Path(path))]


MODEL_SCANNER = _Scanner(function=_scan, name="MSLiteScanner")
# Without a scanner of its own a builder's sources are scanned by whatever the host registered for their suffix.
NO_SCANNER = _Scanner(function=lambda _node, _env, _path=(): [], name="MSLiteNoScanner")
