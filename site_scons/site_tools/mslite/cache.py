"""`env.MSLiteCacheDir(path, url=…)`: SCons's shared cache, every file in it checked, and a server behind it.

SCons's own CacheDir serves whatever bytes lie in the directory. Here a small file beside each entry holds its SHA-256;
an entry without one, or with other bytes, is not used and removed. What the directory does not have may come from a
server, checked as well, and then lies in the directory too. Entries have SCons's own names and layout.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import SCons.CacheDir

from . import cache_clean
from .cache_answers import Answer
from .complaint import complain
from .signed import is_dry_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cache_remote import Remote
    from .scons_types import Env, Node

SUFFIX = ".sha256"
# Where a secret comes from that seals the answers of the server: not from a build description, which is shared.
SECRET = "MSLITE_CACHE_SECRET"  # noqa: S105 - the name of the variable
_CHUNK = 1 << 20


def install(env: Env, path: Node, url: str | None = None, *, readonly: bool = False, timeout: float = 5.0) -> None:
    """`env.MSLiteCacheDir(path)`: share what this environment builds, checked.

    Args:
        env: Construction environment.
        path: Directory of the local tier.
        url: Server of the remote tier, `http(s)://[user:password@]host[:port][/path]`.
        readonly: Whether nothing is uploaded. SCons's `--cache-readonly` goes further: the directory stays as it is.
        timeout: Seconds for an answer of the server, besides a second for each megabyte.

    Raises:
        UserError: The address cannot be used.
    """
    directory = env.Dir(path).get_abspath()
    cache_clean.declare(env, directory)
    if "custom_class" not in inspect.signature(env.CacheDir).parameters:
        sys.stderr.write("mslite cache: SCons before 4.2 has no custom caches; the directory is used unchecked\n")
        env.CacheDir(directory)
        return
    remote = _remote(env.subst(url), readonly, timeout) if url else None
    # SCons makes the instance itself, and gives it nothing but the path.
    env.CacheDir(directory, type("MSLiteCache", (CheckedCache,), {"remote": remote, "borrowed": {}}))


def _remote(url: str, is_readonly: bool, seconds: float) -> Remote:
    from urllib.parse import urlsplit  # noqa: PLC0415 - with http.client it is 20 ms that only this build needs

    from .cache_remote import Remote  # noqa: PLC0415

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        shown = url.rpartition("@")[2]
        raise complain(f"MSLiteCacheDir: {shown!r} is not an address of a server; use http://host:port/path")
    return Remote(url, secret=os.environ.get(SECRET, "").encode(), is_readonly=is_readonly, seconds=seconds)


class CheckedCache(SCons.CacheDir.CacheDir):  # type: ignore[misc]  # SCons is not typed
    """A CacheDir whose entries are checked, with an optional remote tier."""

    # Of the class: SCons may make an instance for each model that has construction variables of its own.
    remote: Remote | None
    borrowed: dict[Node, Path]

    def cachepath(self, node: Node) -> tuple[str | None, str | None]:
        """Return directory and path of a node's entry: in a read-only cache a downloaded file lies elsewhere."""
        borrowed = self.borrowed.get(node)
        if borrowed is not None:
            return str(borrowed.parent), str(borrowed)
        directory, entry = super().cachepath(node)
        return directory, entry

    def retrieve(self, node: Node) -> bool:
        """Make a node from its entry; False when there is none that can be trusted."""
        if not self.is_enabled():
            return False
        entry = Path(self.cachepath(node)[1] or "")
        if _is_whole(entry):
            return bool(super().retrieve(node))
        if is_dry_run():
            return False
        if not self.is_readonly():
            _discard(entry)
        with self._downloaded(node, entry) as is_here:
            return is_here and bool(super().retrieve(node))

    @contextmanager
    def _downloaded(self, node: Node, entry: Path) -> Iterator[bool]:
        """Try to get an entry from the server, into the local tier where that may be written."""
        if self.remote is None:
            yield False
            return
        if not self.is_readonly():
            yield self._fill(self.remote, entry)
            return
        with tempfile.TemporaryDirectory() as directory:
            self.borrowed[node] = Path(directory, entry.name)
            try:
                yield self.remote.fetch(entry.name, self.borrowed[node]) is not None
            finally:
                del self.borrowed[node]

    def _fill(self, remote: Remote, entry: Path) -> bool:
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=entry.parent) as part:
                answer = remote.fetch(entry.name, Path(part, entry.name))
                if answer is None:
                    return False
                _write_digest(entry, answer.sha256, part)
                Path(part, entry.name).replace(entry)
        except OSError as failure:
            _say_unwritable(self.path, failure)
            return False
        return True

    def push(self, node: Node) -> object:
        """Add what was built to the local tier, and in the background to the server."""
        if self.is_readonly() or not self.is_enabled() or node.nocache:
            return None
        built, entry = Path(node.get_internal_path()), Path(self.cachepath(node)[1] or "")
        # SCons stores a link as a link: nothing that has a hash.
        if built.is_symlink() or not built.is_file():
            return None
        try:
            answer = Answer(_sha256(built), built.stat().st_size, os.access(built, os.X_OK))
            if not _is_whole(entry):
                _discard(entry)
                entry.parent.mkdir(parents=True, exist_ok=True)
                # The digest first: an entry without one is taken for a stranger's.
                with tempfile.TemporaryDirectory(dir=entry.parent) as part:
                    _write_digest(entry, answer.sha256, part)
        except OSError as failure:
            _say_unwritable(self.path, failure)
            return None
        outcome = super().push(node)
        if self.remote is not None and entry.is_file():
            self.remote.store(entry.name, answer, entry)
        return outcome


def _digest_of(entry: Path) -> Path:
    return entry.with_name(entry.name + SUFFIX)


def _is_whole(entry: Path) -> bool:
    """Whether an entry has the bytes that were stored."""
    try:
        return _digest_of(entry).read_text(encoding="ascii").strip() == _sha256(entry)
    except (OSError, UnicodeDecodeError):
        return False


def _discard(entry: Path) -> None:
    """Remove an entry that cannot be used: SCons would keep it, and not store the right one."""
    # A digest alone may be another build's, which is about to store its entry.
    if not entry.exists():
        return
    try:
        entry.unlink(missing_ok=True)
        _digest_of(entry).unlink(missing_ok=True)
    except OSError:  # not ours to remove: it is not used either
        return


def _write_digest(entry: Path, sha256: str, part: str) -> None:
    digest = Path(part, entry.name + SUFFIX)
    digest.write_text(sha256 + "\n", encoding="ascii")
    digest.replace(_digest_of(entry))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _say_unwritable(path: str, failure: OSError) -> None:
    sys.stderr.write(f"mslite cache {path}: cannot be written: {failure.strerror or failure}\n")
