"""How a file is compared with the last build: content, and for large files the timestamp first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scons_types import Env, Node


# Below this size hashing costs nothing. Above it, content is hashed only where the timestamp or the size moved.
LARGE_FILE_BYTES = 1 << 20


def has_changed(dependency: Node, target: Node, previous: object, repository_node: Node = None) -> bool:
    """Decide like `content`; a large file with an unchanged timestamp and size counts as unchanged.

    Pure `content-timestamp` is unsafe for small files: timestamps are whole seconds and SCons does not compare sizes.
    """
    size = dependency.get_size() if hasattr(dependency, "get_size") and dependency.exists() else 0
    if size >= LARGE_FILE_BYTES and getattr(previous, "size", None) == size:
        return bool(dependency.changed_timestamp_then_content(target, previous, repository_node))
    return bool(dependency.changed_content(target, previous, repository_node))


def install(env: Env) -> None:
    """`env.MSLiteDecider()`: use `has_changed` for every target of this environment. The tool itself never calls it."""
    env.Decider(has_changed)
