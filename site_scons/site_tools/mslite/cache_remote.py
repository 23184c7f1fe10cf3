"""The remote tier of the cache: what a team shares through a server that speaks Bazel's HTTP cache protocol.

Nothing that the server says or does can fail a build: its bytes are checked, its time is bounded, and after a failure
that will repeat itself it is not asked again in this run. Uploads go in the background, and are waited for at exit.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import queue
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from . import cache_answers
from .cache_http import Server, ServerError

if TYPE_CHECKING:
    from pathlib import Path

    from .cache_answers import Answer

_MOST_STUMBLES = 3
_LONGEST_ANSWER = 1 << 16


class Remote:
    """One server. `fetch` is called from any of SCons's threads; `store` returns at once."""

    def __init__(self, url: str, *, secret: bytes, is_readonly: bool, seconds: float) -> None:
        """Remember how to reach it; nothing is sent yet."""
        self._server = Server(url, seconds)
        parts = urlsplit(url)
        self._shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._secret = secret
        self._is_readonly = is_readonly
        self._stumbles = 0
        self._is_off = False
        self._lock = threading.Lock()
        self._uploads: queue.SimpleQueue[tuple[str, Answer, Path] | None] = queue.SimpleQueue()
        self._uploader: threading.Thread | None = None

    def fetch(self, signature: str, target: Path) -> Answer | None:
        """Write the file with a build signature to `target`; None when the server has none that can be trusted."""
        if self._is_off:
            return None
        try:
            return self._fetch(cache_answers.question(signature), target)
        except ServerError as failure:
            self._stumble(str(failure), is_final=failure.is_final)
        except ValueError as wrong:
            self._stumble(f"a wrong entry was not used: {wrong}", is_final=False)
        except OSError as failure:
            self._stumble(f"a file could not be stored: {failure.strerror or failure}", is_final=False)
        return None

    def _fetch(self, asked: str, target: Path) -> Answer | None:
        content = io.BytesIO()
        if not self._server.get(f"ac/{asked}", content, _LONGEST_ANSWER):
            return None
        answer = cache_answers.decode(content.getvalue(), asked, self._secret)
        with target.open("wb") as stream:
            sink = _Hashing(stream)
            if not self._server.get(f"cas/{answer.sha256}", cast("BinaryIO", sink), answer.size):
                return None
        if sink.digest.hexdigest() != answer.sha256:
            raise ValueError("its bytes do not have the SHA-256 that they should have")
        target.chmod(0o755 if answer.is_executable else 0o644)
        return answer

    def store(self, signature: str, answer: Answer, path: Path) -> None:
        """Upload a file, which must stay as it is, in the background."""
        if self._is_readonly or self._is_off:
            return
        with self._lock:
            if self._uploader is None:
                self._uploader = threading.Thread(target=self._upload_all, daemon=True)
                self._uploader.start()
                atexit.register(self._finish)
        self._uploads.put((cache_answers.question(signature), answer, path))

    def _upload_all(self) -> None:
        while (upload := self._uploads.get()) is not None:
            if self._is_off:
                continue
            try:
                self._upload(*upload)
            except ServerError as failure:
                self._stumble(str(failure), is_final=failure.is_final)
            except OSError as failure:
                self._stumble(f"a file could not be read: {failure.strerror or failure}", is_final=False)

    def _upload(self, asked: str, answer: Answer, path: Path) -> None:
        """Store the bytes first: an answer must never name what is not there."""
        with path.open("rb") as stream:
            self._server.put(f"cas/{answer.sha256}", stream, answer.size)
        content = cache_answers.encode(answer, asked, self._secret)
        self._server.put(f"ac/{asked}", io.BytesIO(content), len(content))

    def _finish(self) -> None:
        """Wait for the uploads; each of them ends in bounded time, and a final failure ends the rest at once."""
        self._uploads.put(None)
        if self._uploader is not None:
            self._uploader.join()

    def _stumble(self, reason: str, *, is_final: bool) -> None:
        """Say once what is wrong; stop asking when it will not get better."""
        with self._lock:
            self._stumbles += 1
            is_last = is_final or self._stumbles >= _MOST_STUMBLES
            if self._is_off or (self._stumbles > 1 and not is_last):
                return
            self._is_off = is_last
        consequence = "; not used any more in this build" if is_last else ""
        sys.stderr.write(f"mslite cache {self._shown}: {reason}{consequence}\n")


class _Hashing:
    """A file that is hashed while it is written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, chunk: bytes) -> int:
        self.digest.update(chunk)
        return self._stream.write(chunk)
