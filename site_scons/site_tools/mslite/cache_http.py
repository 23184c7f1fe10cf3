"""One HTTP exchange with a cache server, in bounded time: `GET` and `PUT` of `/ac/…` and `/cas/…`.

A socket's timeout bounds one read, not a server that sends a byte a second, and no timeout bounds a name look-up. So
the exchange runs in a thread of its own, which is left behind when it does not keep up.
"""

from __future__ import annotations

import base64
import http.client
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_CHUNK = 1 << 16
_POLL_SECONDS = 0.05
# A cache that is slower than this is slower than converting again.
LEAST_BYTES_PER_SECOND = 1 << 20


class ServerError(Exception):
    """The server cannot be used; the text says why, `is_final` whether to stop asking it at once."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.is_final = is_final


@dataclass
class Progress:
    """Bytes that one exchange has moved, seen from outside its thread."""

    moved: int = 0
    is_abandoned: bool = False

    def advance(self, count: int) -> None:
        """Count bytes; ServerError, which ends the thread, once nobody waits any more."""
        if self.is_abandoned:
            raise ServerError("abandoned", is_final=True)
        self.moved += count


def in_bounded_time(work: Callable[[Progress], Any], seconds: float) -> Any:  # noqa: ANN401 - what `work` returns
    """Run `work` in a thread; ServerError when it falls behind `seconds` plus a megabyte a second."""
    progress = Progress()
    outcomes: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((work(progress), None))
        except BaseException as failure:  # noqa: BLE001 - it is raised again by whoever waits
            outcomes.put((None, failure))

    threading.Thread(target=run, daemon=True).start()
    started = time.monotonic()
    while time.monotonic() - started < seconds + progress.moved / LEAST_BYTES_PER_SECOND:
        try:
            result, failure = outcomes.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if failure is not None:
            raise failure
        return result
    progress.is_abandoned = True
    raise ServerError(f"too slow ({progress.moved} bytes in {time.monotonic() - started:.1f} s)", is_final=True)


class Server:
    """A cache server at an http(s) address, whose user and password may be part of it."""

    def __init__(self, url: str, seconds: float) -> None:
        """Remember the address; `seconds` bound each exchange, besides a second for each megabyte."""
        self._url = urlsplit(url)
        self._seconds = seconds

    def get(self, name: str, sink: BinaryIO, most: int) -> bool:
        """Read `name` into `sink`, at most `most` bytes of it; False when the server does not have it."""
        return bool(in_bounded_time(lambda progress: self._get(name, sink, most, progress), self._seconds))

    def put(self, name: str, source: BinaryIO, size: int) -> None:
        """Store the `size` bytes of `source` as `name`."""
        in_bounded_time(lambda progress: self._put(name, source, size, progress), self._seconds)

    def _get(self, name: str, sink: BinaryIO, most: int, progress: Progress) -> bool:
        response, connection = self._ask("GET", name, None, 0)
        try:
            if response.status in (http.client.NOT_FOUND, http.client.GONE):
                return False
            _check(response.status)
            while chunk := response.read(_CHUNK):
                progress.advance(len(chunk))
                if progress.moved > most:
                    raise ServerError(f"{name} is longer than it should be", is_final=False)
                sink.write(chunk)
        except (OSError, http.client.HTTPException) as failure:
            raise ServerError(_reason(failure), is_final=True) from failure
        finally:
            connection.close()
        return True

    def _put(self, name: str, source: BinaryIO, size: int, progress: Progress) -> None:
        response, connection = self._ask("PUT", name, _chunks(source, progress), size)
        connection.close()
        _check(response.status)

    def _ask(
        self, method: str, name: str, body: Iterator[bytes] | None, size: int
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
        connection = _connect(self._url, self._seconds)
        headers = {"Content-Length": str(size)} if body is not None else {}
        if self._url.username is not None:
            words = f"{unquote(self._url.username)}:{unquote(self._url.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(words.encode()).decode()
        try:
            connection.request(method, f"{self._url.path.rstrip('/')}/{name}", body, headers)
            return connection.getresponse(), connection
        except (OSError, http.client.HTTPException) as failure:
            connection.close()
            raise ServerError(_reason(failure), is_final=True) from failure


def _connect(url: SplitResult, seconds: float) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port, timeout=seconds)


def _chunks(source: BinaryIO, progress: Progress) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        progress.advance(len(chunk))
        yield chunk


def _check(status: int) -> None:
    """ServerError for anything but success: a refusal (4xx) is final, a stumble (5xx) is not."""
    if not http.client.OK <= status < http.client.MULTIPLE_CHOICES:
        raise ServerError(f"answered with status {status}", is_final=status < http.client.INTERNAL_SERVER_ERROR)


def _reason(failure: Exception) -> str:
    return getattr(failure, "strerror", None) or str(failure) or type(failure).__name__
