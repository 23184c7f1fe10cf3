"""`models.json`: all models of a build in one file, which is what the alias `models` builds.

It is made from the small records beside the `.ms` files, so that an up-to-date build reads no model again. Where
nothing was touched since the last build, SCons does not even get to see it (unchanged.py).
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING

import SCons.Node.Alias
from SCons.Builder import Builder

from . import memory, records, scratch, unchanged
from .companions import declare_companions
from .places import RECORD_SUFFIX
from .scanning import NO_SCANNER
from .signed import SignedAction, is_dry_run

if TYPE_CHECKING:
    from .scons_types import Env, Node, Nodes
    from .unchanged import Declared

FORMAT = 1


def _write(target: Nodes, source: Nodes, env: Env) -> None:  # noqa: ARG001 - SCons calls it by these names
    """Join the records; the order is that of the paths, not of the build description."""
    texts = {
        node.get_path().replace("\\", "/").removesuffix(RECORD_SUFFIX): Path(node.get_abspath()).read_text("utf-8")
        for node in source
    }
    path = Path(target[0].get_abspath())
    scratch.mark(path)
    path.write_text(records.manifest_text(FORMAT, texts), encoding="utf-8", newline="\n")


def _describe(_target: Nodes, source: Nodes, _env: Env) -> str:
    """Name the records: their names are part of the content, and SCons compares no names."""
    words = [f"mslite-manifest {FORMAT}", *sorted(node.get_path() for node in source)]
    if is_dry_run() and any(node.get_state() == SCons.Node.executed for node in source):
        words.append("(and other models)")
    return " ".join(words)


class _Due(SCons.Node.Alias.Alias):  # type: ignore[misc]  # SCons is not typed
    """A node of the graph that stands for a manifest where that has to be looked at, for nothing else."""

    def __init__(self, manifest: Node) -> None:
        """Stand for `manifest`."""
        super().__init__(f"{manifest} where it is due")
        self.manifest = manifest

    def get_found_includes(self, env: Env, _scanner: object, _path: object) -> Nodes:
        """Return the manifest, unless it and all its models are as the last build left them."""
        return [] if unchanged.holds(env, self.manifest, _MODELS[self.manifest]) else [self.manifest]


_MANIFEST = Builder(
    action=SignedAction(_write, _describe), source_scanner=NO_SCANNER, target_scanner=NO_SCANNER, multi=True
)
_DUE = Builder(
    action=SignedAction(lambda *_: None, lambda *_: "mslite-due"),
    # SCons asks a node for what lies behind it only where there is a scanner.
    target_scanner=NO_SCANNER,
)
_MODELS: dict[Node, list[Declared]] = {}
_OWNERS: dict[Node, Env] = {}
_ALIASES: set[tuple[Node, str]] = set()


def add(env: Env, declared: Declared) -> None:
    """Add a model to the manifest of `env`, and the manifest to the alias."""
    node = env.File(env["MSLITE_MANIFEST"])
    # One file, one environment: SCons wants that, while models of a build may come from several.
    owner: Env = _OWNERS.setdefault(node, env)
    if node.has_builder():
        # What the builder would do, without its checks: a build may have thousands of models.
        node.add_source([declared.record])
        node.reset_executor()
    else:
        _MANIFEST(owner, [node], [declared.record])
    _MODELS.setdefault(node, []).append(declared)
    alias = env.subst("$MSLITE_ALIAS")
    if (node, alias) not in _ALIASES:
        _ALIASES.add((node, alias))
        _declare(owner, node, alias)


def _declare(env: Env, node: Node, alias: str) -> None:
    """Make the manifest what the alias builds, and declare the alias's companions."""
    env.NoCache(node)
    memory.open_beside(env, node)
    atexit.register(unchanged.remember, node, _MODELS[node])
    scratch.distrust_unrecorded(env, [node])
    env.Alias(alias, _DUE(env, [_Due(node)], []))
    declare_companions(env, node, alias)
