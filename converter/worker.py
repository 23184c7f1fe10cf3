"""The persistent conversion worker: `python -m converter.worker`, one JSON object a line on stdin and stdout.

    → {"id": 1, "source": "net.mindir", "target": "net.ms", "options": {…}, "config": "net.cfg" or null}
    ← {"id": 1, "ok": true, "bytes": 759808, "sha256": "…", "inputs": […], "outputs": […], "report": {…}, …}
    ← {"id": 1, "ok": false, "status": -300, "message": "net.mindir: error[E201]: …"}

Optional in a request: `hash`, files whose SHA-256 is wanted (`"hashes": {path: …}` in the answer); `keys`, digits of
the keys `decrypt` and `encrypt`; `scratch`, a directory that is the worker's to remove; and `progress`, whether lines
like `{"id": 1, "progress": ["calibrating", 3, 20]}` are wanted before the answer. Without `options` nothing is
converted: `target`, made by another converter, is described. The end of stdin means that whoever asked is gone: the
worker stops at once, also in the middle of a conversion, and removes `scratch`.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import sys
import threading
import time
import traceback
import zlib
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.encryption.keys import Key, Keys
from converter.errors import CODES, ConversionError, fail
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType
    from typing import TextIO

    from converter.report import Report

    Convert = Callable[..., Report]

_CHUNK = 1 << 20
_PROGRESS_SECONDS = 0.1
ORPHANED = 3


def serve(convert: Convert, requests: Iterable[str], responses: TextIO) -> None:
    """Answer each request line with one response line, in order, until `requests` ends.

    `convert(source, target, options)` writes `target`. Whatever it raises becomes an answer; the worker lives on.
    """
    for line in requests:
        request = json.loads(line)
        answers = _Answers(request["id"], responses)
        answers.write(_answer(convert, request, answers))


class _Answers:
    """What goes back for one request."""

    def __init__(self, number: int, stream: TextIO) -> None:
        """Write to `stream`."""
        self._number, self._stream = number, stream
        self._shown = 0.0

    def progress(self, what: str, done: int, total: int) -> None:
        """Say how far it is, now and then."""
        now = time.monotonic()
        if now >= self._shown + _PROGRESS_SECONDS:
            self._shown = now
            self.write({"progress": [what, done, total]})

    def write(self, answer: dict[str, Any]) -> None:
        """Write a line."""
        self._stream.write(json.dumps({"id": self._number, **answer}, sort_keys=True) + "\n")
        self._stream.flush()


def _answer(convert: Convert, request: dict[str, Any], answers: _Answers) -> dict[str, Any]:
    """Convert once; every failure becomes a status and a located message."""
    source, target = Path(request["source"]), Path(request["target"])
    try:
        report = _report(convert, request, answers)
        facts = {"bytes": target.stat().st_size, **_digests(target), "warnings": report.warnings()}
        hashes = {path: _sha256(Path(path)) for path in request.get("hash", ())}
    except ConversionError as failure:
        return {"ok": False, "status": int(failure.status), "message": str(failure)}
    except OSError as failure:
        return _failed("E120", f"conversion could not be finished: {failure.strerror or failure}", failure.filename)
    except Exception as failure:  # noqa: BLE001 - the last line of defense: the bug is answered, and its trace printed
        traceback.print_exc(file=sys.stderr)
        return _failed("E901", f"bug in the converter, please report it: {type(failure).__name__}: {failure}", source)
    described = report.json()
    interface = {name: described[name] for name in ("inputs", "outputs", "labels", "memory")} | {"report": described}
    return {"ok": True, **interface, **facts, "hashes": hashes}


def _report(convert: Convert, request: dict[str, Any], answers: _Answers) -> Report:
    source, target, options = Path(request["source"]), Path(request["target"]), request.get("options")
    if options is None:
        described: Report = _api().describe_file(target)
        return described
    wanted: dict[str, Any] = {}
    if request.get("keys"):
        wanted["keys"] = Keys(**{name: Key(bytes.fromhex(digits)) for name, digits in request["keys"].items()})
    if request.get("progress"):
        wanted["progress"] = answers.progress
    return convert(source, target, ConvertOptions.from_canonical(options), **wanted)


def _failed(code: str, message: str, path: object) -> dict[str, Any]:
    located = fail(code, message, path=None if path is None else str(path))
    return {"ok": False, "status": int(CODES[code][0]), "message": str(located)}


def _sha256(path: Path) -> str:
    """Hash a file without reading it into memory at once."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _digests(path: Path) -> dict[str, Any]:
    """SHA-256 (hexadecimal) and CRC-32 (as in zlib) of a file."""
    digest, crc = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
    return {"sha256": digest.hexdigest(), "crc32": crc}


class Requests:
    """Request lines read by a thread, so that the end of `stream` is noticed while a conversion runs."""

    def __init__(self, stream: TextIO, stop: Callable[[int], None] = os._exit) -> None:
        """Start reading; `stop` ends the process when `stream` ends before its last request was answered."""
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._unanswered: deque[str] = deque()
        self._stream, self._stop = stream, stop
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[str]:
        """Yield line after line; coming back for the next one says that the last one is answered."""
        while (line := self._lines.get()) is not None:
            yield line
            self._unanswered.popleft()

    def _read(self) -> None:
        for line in self._stream:
            self._unanswered.append(line)
            self._lines.put(line)
        unanswered = list(self._unanswered)
        if not unanswered:
            self._lines.put(None)
            return
        for line in unanswered:
            shutil.rmtree(json.loads(line).get("scratch") or "", ignore_errors=True)
        self._stop(ORPHANED)


def _api() -> ModuleType:
    """Return `converter.api`; numpy and protobuf are imported here, once, so that a worker without them can answer."""
    try:
        from converter import api  # noqa: PLC0415 - a worker that starts must answer even where numpy is missing
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "converter":
            raise
        hint = "install it there, or let MSLITE_PYTHON name a Python that has numpy, flatbuffers and protobuf"
        raise fail("E902", f"{sys.executable} has no package '{missing.name}'", hint=hint) from missing
    return api


def _convert_with_api(source: Path, target: Path, options: ConvertOptions, **wanted: Any) -> Report:  # noqa: ANN401
    """Convert through the same function as the command line, which takes what is `wanted`."""
    report: Report = _api().convert_file(source, target, options, **wanted)
    return report


def _own_stdout() -> TextIO:
    """Take stdout for the protocol; whatever else is written to it, by whomever, goes to stderr from now on."""
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return protocol


def main(arguments: list[str]) -> int:
    """Serve stdin until it ends; relative paths count from the directory in `arguments`, if there is one."""
    if arguments:
        os.chdir(arguments[0])
    serve(_convert_with_api, Requests(sys.stdin), _own_stdout())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
