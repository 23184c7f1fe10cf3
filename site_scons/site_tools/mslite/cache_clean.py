"""`scons models-clean-cache`: make the local tier of the cache smaller, the longest unused files first.

SCons touches an entry whenever it uses it. Prune after a build, not before: a CI system that restores a cache
directory gives all its files one time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .complaint import complain
from .signed import SignedAction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scons_types import Env, Nodes

_MIB = 1024 * 1024
# What SCons itself keeps in the directory.
_KEPT = {"config", "CACHEDIR.TAG"}
# Cache directories by alias.
_CACHES: dict[str, set[str]] = {}


def declare(env: Env, directory: str) -> None:
    """Declare the alias for a cache directory, once for each."""
    name = env.subst("$MSLITE_ALIAS") + "-clean-cache"
    caches = _CACHES.setdefault(name, set())
    caches.add(directory)
    if env.ans.lookup(name) is not None:
        return

    def clean(target: Nodes, source: Nodes, env: Env) -> None:  # noqa: ARG001 - SCons calls it by these names
        for path in sorted(caches):
            print(_clean(Path(path), _limit(env)))  # noqa: T201 - what the user asked for

    env.AlwaysBuild(env.Alias(name, [], SignedAction(clean, lambda *_: "mslite-clean-cache")))


def _limit(env: Env) -> int:
    """Return the bytes that may stay."""
    given = env.subst("$MSLITE_CACHE_LIMIT_MB") or "0"
    if not given.isdecimal():
        raise complain(f"MSLITE_CACHE_LIMIT_MB is {given!r}; use a number of megabytes")
    return int(given) * _MIB


def _clean(directory: Path, limit: int) -> str:
    """Remove entries until the rest has at most `limit` bytes; return what to say."""
    entries = sorted(_entries(directory), key=lambda entry: (entry.stat().st_mtime_ns, entry.name))
    total = sum(entry.stat().st_size for entry in entries)
    removed = 0
    while entries and total > limit:
        oldest = entries.pop(0)
        total -= oldest.stat().st_size
        oldest.unlink(missing_ok=True)
        oldest.with_name(oldest.name + ".sha256").unlink(missing_ok=True)
        removed += 1
    return f"{directory.name}: {removed} files removed, {len(entries)} with {-(-total // 1024)} KB kept"


def _entries(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.glob("*/*")):
        if path.is_file() and path.suffix != ".sha256" and path.name not in _KEPT:
            yield path
