"""`env.MSLiteEmbed(models…)`: declares what puts `.ms` files into a firmware, and a registry that describes them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from SCons.Builder import Builder
from SCons.Node import NodeList

from . import budgets, describe_step, embed_step, scratch
from .complaint import complain
from .embed_text import symbol_of
from .places import RECORD_SUFFIX
from .scanning import NO_SCANNER

if TYPE_CHECKING:
    from .scons_types import Env, Node, Nodes


class Embedded(NodeList):  # type: ignore[misc]  # SCons is not typed
    """The sources to compile. `headers` come with them, `include` is their directory; `budget` goes to the linker."""

    headers: Nodes
    budget: Nodes
    include: Node


def declare_embedding(env: Env, *models: Nodes, **overrides: object) -> Embedded:
    """Declare the embedding of `.ms` files, made by MSLiteModel or not, in the order of the registry.

    Args:
        env: Construction environment.
        models: `.ms` nodes or names, or lists of them.
        overrides: Construction variables for this call: `MSLITE_REGISTRY`, `MSLITE_EMBED`, `MSLITE_FLASH_BUDGET`, …

    Raises:
        UserError: No model, two models with one symbol, a registry that is declared twice, or a wrong variable.
    """
    files = env.arg2nodes(env.Flatten([models]), env.fs.File)
    owner = env.Override(overrides)
    mode = embed_step.mode_of(owner)
    embed_step.align_of(owner)
    budgets.read(owner)
    _refuse_clashes(files)
    records = [_record(owner, node) for node in files]
    sources: Nodes = []
    headers: Nodes = []
    for node, record in zip(files, records, strict=True):
        source, header = _embedded(owner, node, record, mode)
        sources.append(source)
        headers.append(header)
    registry = _registry(owner, files, records)
    made = Embedded([*sources, registry[1]])
    made.headers, made.include, made.budget = [*headers, registry[0]], registry[0].dir, registry[2:]
    return made


def _refuse_clashes(files: Nodes) -> None:
    if not files:
        raise complain("MSLiteEmbed: no model")
    owners: dict[str, Node] = {}
    for node in files:
        symbol = symbol_of(node.name)
        # Macros have the symbol in capitals.
        other = owners.setdefault(symbol.upper(), node)
        if other is not node:
            raise complain(f"MSLiteEmbed: {other} and {node} would both be embedded as mslite_{symbol}; rename one")
    if len(owners) != len(files):
        raise complain("MSLiteEmbed: a model is named twice")


def _record(env: Env, model: Node) -> Node:
    """Return what says what a model is; one that no MSLiteModel makes is described by a worker."""
    record = env.fs.File(model.get_abspath() + RECORD_SUFFIX)
    if not record.has_builder():
        _DESCRIBE(env, [record], [model])
        env.NoCache(record)
        scratch.distrust_unrecorded(env, [record])
    return record


def _embedded(env: Env, model: Node, record: Node, mode: str) -> Nodes:
    """Declare the source and the header of one model; two registries may share them."""
    base = model.get_abspath().removesuffix(".ms") + "_ms"
    nodes = [env.fs.File(base + suffix) for suffix in (embed_step.SUFFIXES[mode], ".h")]
    if not nodes[0].has_builder():
        _declare(env, _EMBED, nodes, [record])
    return nodes


def _registry(env: Env, models: Nodes, records: Nodes) -> Nodes:
    """Declare header, source and, with a flash budget, the linker's check."""
    given = env.get("MSLITE_REGISTRY")
    base = env.File(given).get_abspath() if given else str(PurePath(models[0].dir.get_abspath()) / "mslite_models")
    is_checked_by_linker = budgets.read(env).flash is not None and embed_step.mode_of(env) == "asm"
    suffixes = [".h", ".c", *([".ld"] if is_checked_by_linker else [])]
    nodes = [env.fs.File(base + suffix) for suffix in suffixes]
    if nodes[1].has_builder():
        raise complain(
            f"MSLiteEmbed: {nodes[1]} is declared twice; give all models to one call, or another name to "
            "MSLITE_REGISTRY",
        )
    _declare(env, _REGISTER, nodes, records)
    return nodes


def _declare(env: Env, builder: Builder, targets: Nodes, sources: Nodes) -> None:
    builder(env, targets, sources)
    # Quickly made: sharing them would only print lines.
    env.NoCache(targets)
    scratch.distrust_unrecorded(env, targets)


_DESCRIBE = Builder(action=describe_step.ACTION, source_scanner=NO_SCANNER, target_scanner=NO_SCANNER)
_EMBED = Builder(action=embed_step.EMBED, source_scanner=NO_SCANNER, target_scanner=NO_SCANNER)
_REGISTER = Builder(action=embed_step.REGISTER, source_scanner=NO_SCANNER, target_scanner=NO_SCANNER)
