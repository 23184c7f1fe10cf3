"""`models.json`: all models of a build in one file, which is what the alias `models` builds.

It is made from the small records beside the `.ms` files, so that an up-to-date build reads no model again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import SCons.Node
from SCons.Builder import Builder

from . import convert_step, memory, report, scratch, variables, verify
from .scanning import NO_SCANNER
from .signed import SignedAction, is_dry_run

if TYPE_CHECKING:
    from .scons_types import Env, Node, Nodes

FORMAT = 1


def _write(target: Nodes, source: Nodes, env: Env) -> None:  # noqa: ARG001 - SCons calls it by these names
    """Join the records; the order is that of the paths, not of the build description."""
    models = {}
    for node in source:
        name = node.get_path().replace("\\", "/").removesuffix(convert_step.RECORD_SUFFIX)
        models[name] = json.loads(Path(node.get_abspath()).read_text(encoding="utf-8"))
    content = json.dumps({"format": FORMAT, "models": models}, indent=1, sort_keys=True, ensure_ascii=False)
    path = Path(target[0].get_abspath())
    scratch.mark(path)
    path.write_text(content + "\n", encoding="utf-8", newline="\n")


def _describe(_target: Nodes, source: Nodes, _env: Env) -> str:
    """Name the records: their names are part of the content, and SCons compares no names."""
    words = [f"mslite-manifest {FORMAT}", *sorted(node.get_path() for node in source)]
    if is_dry_run() and any(node.get_state() == SCons.Node.executed for node in source):
        words.append("(and other models)")
    return " ".join(words)


_BUILDER = Builder(
    action=SignedAction(_write, _describe), source_scanner=NO_SCANNER, target_scanner=NO_SCANNER, multi=True
)
_FIRST_ENV: dict[Node, Env] = {}
_ALIASES: set[tuple[Node, str]] = set()


def add(env: Env, record: Node) -> None:
    """Add a model to the manifest of `env`, and the manifest to the alias."""
    node = env.File(env["MSLITE_MANIFEST"])
    # One file, one environment: SCons wants that, while models of a build may come from several.
    owner: Env = _FIRST_ENV.setdefault(node, env)
    if node.has_builder():
        # What the builder would do, without its checks: a build may have thousands of models.
        node.add_source([record])
        node.get_executor().add_sources([record])
    else:
        _BUILDER(owner, [node], [record])
    alias = env.subst("$MSLITE_ALIAS")
    if (node, alias) not in _ALIASES:
        _ALIASES.add((node, alias))
        _declare(owner, node, alias)


def _declare(env: Env, node: Node, alias: str) -> None:
    """Make the manifest what the alias builds, and declare the alias's two companions."""
    env.NoCache(node)
    memory.open_beside(env, node)
    scratch.distrust_unrecorded(env, [node])
    env.Alias(alias, node)
    env.AlwaysBuild(env.Alias(f"{alias}-verify", node, verify.ACTION))
    env.AlwaysBuild(env.Alias(f"{alias}-report", node, report.ACTION))
    env.Clean(node, report.pages(env, node))
    _declare_help(env, f"{alias}-help")


def _declare_help(env: Env, name: str) -> None:
    """`scons models-help` explains the variables."""
    if env.ans.lookup(name) is None:
        env.AlwaysBuild(env.Alias(name, [], SignedAction(_print_help, lambda *_: "mslite-help")))


def _print_help(target: Nodes, source: Nodes, env: Env) -> None:  # noqa: ARG001 - SCons calls it by these names
    print(variables.help_text())  # noqa: T201 - what the user asked for
