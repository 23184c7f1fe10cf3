"""One conversion on a machine of a cluster: the function that is sent there. Standard library only.

The machine needs Python with numpy, flatbuffers and protobuf, nothing of this project: the converter's source comes
along, once. Files are taken from where the asker has them when that place holds the same bytes (a shared file system);
what is missing is asked for. The conversion sees them under their own relative names and runs in a process of its own.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any, TypedDict

_CHUNK = 1 << 20


class Job(TypedDict):
    """A conversion: its request to `converter.worker`, and all it takes to run it elsewhere.

    `files` are (absolute path, SHA-256); `contents` are the bytes of those that had to be sent, by SHA-256. `code` is
    the hash of the converter, whose zip is in `contents` under that name when it had to be sent.
    """

    request: dict[str, Any]
    directory: str
    files: list[tuple[str, str]]
    code: str
    contents: dict[str, bytes]


class Outcome(TypedDict, total=False):
    """Either `need`, what the job must bring along, or the worker's `answer` with the bytes that it `made`."""

    need: list[str]
    answer: dict[str, Any]
    made: bytes
    log: str


def run(job: Job) -> Outcome:
    """Convert; every failure of the converter is an answer. Raises RuntimeError when its process dies."""
    code = _code_directory(job)
    places = {path: _place(path, sha256, job["contents"]) for path, sha256 in job["files"]}
    need = [sha256 for path, sha256 in job["files"] if places[path] is None]
    if code is None or need:
        return {"need": [*need, *([] if code else [job["code"]])]}
    with tempfile.TemporaryDirectory(prefix="mslite-") as root:
        top = Path(root).resolve()
        for path, place in places.items():
            _put(_below(top, path), place)
        directory = _below(top, job["directory"])
        directory.mkdir(parents=True, exist_ok=True)
        return _converted(job, code or Path(), directory, top)


def _converted(job: Job, code: Path, directory: Path, top: Path) -> Outcome:
    """Ask a new worker in `directory`; names in its answer are the asker's again."""
    target = top / "made.ms"
    names = {name: _moved(name, top) for name in job["request"].get("hash", ())}
    request = {
        **job["request"],
        "source": _moved(job["request"]["source"], top),
        "target": str(target),
        "hash": list(names.values()),
        "scratch": None,
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        line = _ask(request, code, directory, log)
        log.seek(0)
        text = log.read().replace(str(top), "")
    answer = json.loads(line)
    if answer["ok"]:
        answer["hashes"] = {name: answer["hashes"][moved] for name, moved in names.items()}
        return {"answer": answer, "made": target.read_bytes(), "log": text}
    answer["message"] = answer["message"].replace(str(top), "")
    return {"answer": answer, "made": b"", "log": text}


def _ask(request: dict[str, Any], code: Path, directory: Path, log: IO[str]) -> str:
    """Run `converter.worker` for one request. Its stdin stays open: when this process dies, it ends as well."""
    settings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "converter.worker", str(directory)]
    with subprocess.Popen(  # noqa: S603 - this Python, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=code, env=settings, encoding="utf-8"
    ) as worker:
        assert worker.stdin is not None  # noqa: S101 - Popen was asked for both pipes
        assert worker.stdout is not None  # noqa: S101
        worker.stdin.write(json.dumps(request) + "\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
        worker.stdin.close()
        code_of_end = worker.wait()
    if not line.endswith("\n"):
        how = f"killed by signal {-code_of_end}" if code_of_end < 0 else f"exit status {code_of_end}"
        raise RuntimeError(f"worker died while converting: {how}")
    return line


def _place(path: str, sha256: str, contents: dict[str, bytes]) -> Path | bytes | None:
    """Return where the bytes of a file are: sent, or on a file system that is shared; None when they are not here."""
    if sha256 in contents:
        return contents[sha256]
    try:
        return Path(path) if _sha256(Path(path)) == sha256 else None
    except OSError:
        return None


def _put(path: Path, place: Path | bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(place, bytes):
        path.write_bytes(place)
    elif place is not None:
        path.symlink_to(place)


def _below(top: Path, path: str) -> Path:
    """Return the place of an absolute path in a tree of its own, where relative names still lead to each other."""
    return top.joinpath("tree", *Path(os.path.normpath(path)).parts[1:])


def _moved(name: str, top: Path) -> str:
    return str(_below(top, name)) if Path(name).is_absolute() else name


def _code_directory(job: Job) -> Path | None:
    """Return the directory that holds the converter, unpacked once on each machine; None when it must be sent."""
    # One directory per user: another user's would be somebody else's code.
    user = os.getuid() if hasattr(os, "getuid") else 0
    base = Path(tempfile.gettempdir(), f"mslite-converter-{user}")
    code = base / job["code"]
    if code.is_dir() and base.stat().st_uid == user:
        return code
    packed = job["contents"].get(job["code"])
    if packed is None:
        return None
    base.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as part:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(Path(part, "code"))
        try:
            Path(part, "code").rename(code)
        except OSError:
            # Another task was faster, or the base is not ours.
            return code if code.is_dir() and base.stat().st_uid == user else None
    return code


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
