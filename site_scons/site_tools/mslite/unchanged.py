"""Models that an earlier build found up to date, and that nothing has touched since: SCons need not look at them.

SCons takes a millisecond for each model that it looks at. An entry in the memory holds a model's signature text, and
for every file that was read or made the time stamps, size and number by which it is recognized, taken before the
build read it. A file that had changed shortly before is not trusted (memory.py says why), so nothing is missed that
reading all files would have found. What the build makes itself, or a build description has attached to a node
(`Depends`, `AddPostAction`, ...), is always left to SCons.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import SCons.Node

from . import directories, memory, settings, signature
from .places import file_at, real
from .signed import is_dry_run

if TYPE_CHECKING:
    from .scons_types import Env, Node, Nodes

_DONE = (SCons.Node.up_to_date, SCons.Node.executed)
# Options that ask for something of every node.
_EXHAUSTIVE = ("clean", "cache_force", "interactive", "tree_printers")


class Declared(NamedTuple):
    """A model of this build: its source and targets, and the environment of its conversion."""

    source: Node
    model: Node
    record: Node
    env: Env


# What this build has read beside a source, by the places of source and config: the files as they were before.
_READ: dict[tuple[str, str], dict[str, list[int] | None]] = {}
_TEXTS: dict[Node, str] = {}


def note_read(source: Node, env: Env, beside: Nodes) -> None:
    """Remember, when a source is scanned, how it and the files beside it are recognized; they are read after that."""
    key = _key(source, env)
    if key not in _READ:
        _READ[key] = {node.get_path(): _identity(node) for node in (real(source), *beside)}


def note_text(model: Node, text: str) -> None:
    """Remember the signature text that SCons has compared."""
    _TEXTS.setdefault(model, text)


def holds(env: Env, manifest: Node, models: list[Declared]) -> bool:
    """Whether a manifest and all its models are as an up-to-date build has left them."""
    if any(env.GetOption(option) for option in _EXHAUSTIVE) or not _is_plain(manifest):
        return False
    known = memory.recall("manifests", manifest.get_path(), [_names(models), _identity(manifest)])
    return known is not None and all(_is_unchanged(declared) for declared in models)


def remember(manifest: Node, models: list[Declared]) -> None:
    """Remember, at the end of a build, the models of a manifest that this build has looked at."""
    if is_dry_run() or manifest.get_state() not in _DONE:
        return
    for declared in models:
        read, text = _READ.get(_key(declared.source, declared.env)), _TEXTS.get(declared.model)
        if read is None or text is None or not all(map(_is_settled, read.values())):
            continue
        made = [_identity(node) for node in (declared.model, declared.record)]
        memory.remember("models", declared.model.get_path(), [text, *made], read)
    memory.remember("manifests", manifest.get_path(), [_names(models), _identity(manifest)], value=True)


def _is_unchanged(declared: Declared) -> bool:
    """Whether everything that SCons would compare is as it was, and nothing has to be made first."""
    source, model, record, env = declared
    if source.is_derived() or not (_is_plain(model) and _is_plain(record)) or _waits_for_the_build(env):
        return False
    identity = [signature.text(env), _identity(model), _identity(record)]
    read: dict[str, list[int] | None] = memory.recall("models", model.get_path(), identity) or {}
    original = real(source)
    # The source is the only file of most models: not worth a look-up by its name.
    nodes = [original] if list(read) == [original.get_path()] else [file_at(env, path) for path in read]
    return original in nodes and all(
        read[node.get_path()] == _identity(node) and not node.is_derived() for node in nodes
    )


def _is_plain(node: Node) -> bool:
    """Whether SCons has not looked at a node yet, and it has nothing but what its builder gave it."""
    if node.get_state() != SCons.Node.no_state:
        return False
    executor = node.get_executor()
    attached = (node.always_build, node.depends, node.ignore, node.prerequisites)
    return not (any(attached) or executor.pre_actions or executor.post_actions)


def _waits_for_the_build(env: Env) -> bool:
    """Whether this build makes the config, a file that it includes, or one in a directory that it names."""
    config = env.get("MSLITE_CONFIG")
    if not config:
        return False
    said = settings.read(env)
    return (
        config.is_derived()
        or any(file_at(env, path).is_derived() for path in said.included)
        or any(directories.made_by_the_build(env, place) for place in said.directories)
    )


def _key(source: Node, env: Env) -> tuple[str, str]:
    config = env.get("MSLITE_CONFIG")
    return source.get_abspath(), config.get_abspath() if config else ""


def _is_settled(identity: list[int] | None) -> bool:
    return identity is None or memory.is_settled_file(identity)


def _names(models: list[Declared]) -> str:
    return hashlib.sha256("\n".join(sorted(each.model.get_path() for each in models)).encode()).hexdigest()


def _identity(node: Node) -> list[int] | None:
    """Return by what a file is recognized, as SCons saw it first; None where there is none."""
    status = node.stat()
    return None if status is None else memory.identity_of(status)
