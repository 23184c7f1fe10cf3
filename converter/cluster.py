"""Conversions on a Dask cluster: `python -m converter.cluster tcp://scheduler:8786 DIRECTORY`.

It speaks the protocol of `converter.worker`, but takes many requests at once: answers come in any order, with the
`id` of their request. Its first line says whether the cluster can be used: `{"ready": true}`, or
`{"ready": false, "message": "…"}`. An answer with `"lost": true` says that the cluster, not the model, is the matter.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import socket
import sys
import threading
import warnings
import zipfile
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from converter import cluster_task
from converter.fingerprint import PACKAGE, code_hash, source_files
from converter.output import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from converter.cluster_task import Job, Outcome

    Submit = Callable[[Job], Outcome]

CONNECT_SECONDS = 10
# A task that was interrupted by the death of its machine is tried on others by the scheduler itself; this is for one
# whose own process died there, short of memory beside others.
_RETRIES = 1
# Each round sends what another machine turned out to lack; the last one sends everything.
_ROUNDS = 3
_MOST_AT_ONCE = 256


class ClusterLostError(Exception):
    """The cluster cannot be used any more; the text says why."""


def serve(submit: Submit, requests: Iterable[str], responses: TextIO, directory: Path) -> None:
    """Answer all request lines, many at once."""
    lock = threading.Lock()

    def answer(line: str) -> None:
        request = json.loads(line)
        text = json.dumps({"id": request["id"], **_answer(submit, request, directory)}, sort_keys=True)
        with lock:
            responses.write(text + "\n")
            responses.flush()

    with ThreadPoolExecutor(_MOST_AT_ONCE) as threads:
        for line in requests:
            threads.submit(answer, line)


def _answer(submit: Submit, request: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Convert once; store what was made as the request's target."""
    try:
        outcome = _run(submit, request, directory)
        if outcome["answer"]["ok"]:
            with replacing(directory / request["target"]) as file:
                file.write(outcome["made"])
    except (ClusterLostError, OSError) as lost:
        return {"ok": False, "lost": True, "message": str(lost)}
    except RuntimeError as death:
        return {"ok": False, "message": f"{request['source']}: {death}"}
    if outcome["log"]:
        sys.stderr.write(outcome["log"])
    return {name: value for name, value in outcome["answer"].items() if name != "id"}


def _run(submit: Submit, request: dict[str, Any], directory: Path) -> Outcome:
    """Submit a conversion, at first without any bytes."""
    named = (path for name in request.get("directories", ()) for path in (directory / name).rglob("*"))
    paths = {str(directory / name) for name in (request["source"], *request.get("hash", ()))}
    paths |= {str(path) for path in named if path.is_file()}
    job: Job = {
        "request": request,
        "directory": str(directory),
        "files": [(os.path.normpath(path), _sha256(Path(path))) for path in sorted(paths)],
        "code": code_hash(),
        "contents": {},
    }
    where = {sha256: Path(path) for path, sha256 in job["files"]}
    for _ in range(_ROUNDS):
        outcome = submit(job)
        if "need" not in outcome:
            return outcome
        job["contents"] |= {name: _content(name, where) for name in outcome["need"]}
    job["contents"] = {name: _content(name, where) for name in (*where, job["code"])}
    return submit(job)


def _content(name: str, where: dict[str, Path]) -> bytes:
    return where[name].read_bytes() if name in where else _packed_code()


@lru_cache(maxsize=1)
def _packed_code() -> bytes:
    """Return the converter's source as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in source_files():
            archive.write(path, Path("converter", path.relative_to(PACKAGE)).as_posix())
    return packed.getvalue()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _connect(address: str) -> Submit:
    """Return a function that runs a job on the cluster; ClusterLostError when there is none."""
    try:
        import cloudpickle  # noqa: PLC0415 - an optional extra, needed by this process only
        import distributed  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        hint = f"{sys.executable} has no package '{missing.name}'; pip install 'mslite-scons[dask]'"
        raise ClusterLostError(hint) from missing
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    # The cluster has no copy of this project: the task's module goes along with each job.
    cloudpickle.register_pickle_by_value(cluster_task)
    if not _answers(address):
        raise ClusterLostError(f"no Dask scheduler answers at {address}")
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as failure:
        raise ClusterLostError(f"no Dask scheduler answers at {address}") from failure

    def submit(job: Job) -> Outcome:
        future = client.submit(cluster_task.run, job, pure=False, retries=_RETRIES)
        try:
            outcome: Outcome = future.result()
        except distributed.KilledWorker as death:
            raise RuntimeError(f"the conversion killed one cluster worker after the other: {death}") from death
        except (CancelledError, distributed.client.FutureCancelledError) as lost:
            raise ClusterLostError(f"the Dask scheduler at {address} is gone") from lost
        return outcome

    return submit


def _answers(address: str) -> bool:
    """Whether somebody listens there at all: Dask would try again and again."""
    place = urlsplit(address)
    if place.scheme not in {"tcp", "tls"} or not place.hostname or not place.port:
        return True
    try:
        socket.create_connection((place.hostname, place.port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Serve stdin until it ends, which ends this process even while conversions run."""
    address, directory = arguments
    # Dask's remarks on the size of a task and on other versions are not this build's.
    warnings.simplefilter("ignore")
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        submit = _connect(address)
    except ClusterLostError as lost:
        protocol.write(json.dumps({"ready": False, "message": str(lost)}) + "\n")
        protocol.flush()
        return 0
    protocol.write(json.dumps({"ready": True}) + "\n")
    protocol.flush()
    threads = threading.Thread(target=serve, args=(submit, _lines_then_exit(), protocol, Path(directory)))
    threads.start()
    threads.join()
    return 0


def _lines_then_exit() -> Iterable[str]:
    """Yield the lines of stdin; its end means that whoever asked is gone."""
    yield from sys.stdin
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
