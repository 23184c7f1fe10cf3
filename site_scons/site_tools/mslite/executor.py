"""Who converts: the local pool of workers, or a cluster that `MSLITE_EXECUTOR` names.

`MSLITE_EXECUTOR='tcp://scheduler:8786'` is the address of a Dask scheduler. One local process (`converter.cluster`)
talks to it for all conversions of a build, so that SCons itself imports nothing of Dask. Who converts is not part of
any signature: the bytes are the same. A cluster that cannot be used costs a line and local processor time.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

from . import home, pool
from .complaint import complain

if TYPE_CHECKING:
    from .scons_types import Env

_SCHEMES = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "inproc://")
_END_SECONDS = 2.0


class Workers(Protocol):
    """Whoever answers requests, from any of SCons's threads."""

    def ask(self, request: dict[str, Any], show: pool.Show | None = None) -> dict[str, Any]:
        """Answer one request; WorkerDiedError when the conversion ended without an answer."""


_CLUSTERS: dict[tuple[str, str, str], Cluster] = {}
_LOCK = threading.Lock()


def workers_for(env: Env) -> Workers:
    """Return who converts the models of an environment; UserError for an address that is none."""
    root, directory = str(home.require()), env.Dir("#").get_abspath()
    local = pool.pool_for(str(env["MSLITE_PYTHON"]), root, directory)
    address = env.subst(env.get("MSLITE_EXECUTOR") or "")
    if not address:
        return local
    if not address.startswith(_SCHEMES):
        raise complain(f"MSLITE_EXECUTOR is {address!r}; use the address of a Dask scheduler, as 'tcp://host:8786'")
    key = (address, str(env["MSLITE_PYTHON"]), directory)
    with _LOCK:
        if not _CLUSTERS:
            atexit.register(_end_all)
        if key not in _CLUSTERS:
            _CLUSTERS[key] = Cluster(address, local)
        return _CLUSTERS[key]


class Cluster:
    """A cluster, with the local pool for when it is lost."""

    def __init__(self, address: str, local: pool.Pool) -> None:
        """Remember both; the first request connects."""
        self._address = address
        self._local = local
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._process: subprocess.Popen[str] | None = None
        self._is_lost = False

    def ask(self, request: dict[str, Any], show: pool.Show | None = None) -> dict[str, Any]:
        """Answer one request on the cluster, which does not say how far it is; here when there is none."""
        # Without options nothing is converted, only looked at: not worth a journey.
        answer = self._ask_cluster(request) if "options" in request else None
        return self._local.ask(request, show) if answer is None else answer

    def end(self) -> None:
        """Close the connection; what runs on the cluster for this build is cancelled with it."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask_cluster(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Ask the connecting process; None when the cluster is lost."""
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            if self._process is None and not self._is_lost:
                self._connect()
            if self._is_lost or self._process is None or self._process.stdin is None:
                return None
            number = next(self._ids)
            self._waiting[number] = answers
            try:
                self._process.stdin.write(json.dumps({**request, "id": number}) + "\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                self._lose("the process that talks to it ended")
                return None
        answer = answers.get()
        if not answer.get("lost"):
            return answer
        with self._lock:
            self._lose(answer["message"])
        return None

    def _connect(self) -> None:
        """Start the process that talks to the scheduler, and wait for its first line."""
        command = [self._local.python, "-m", "converter.cluster", self._address, self._local.directory]
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter that the user chose, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._local.root,
            env={**os.environ, "PYTHONUTF8": "1"},
            start_new_session=True,
            encoding="utf-8",
        )
        assert self._process.stdout is not None  # noqa: S101 - Popen was asked for it
        line = self._process.stdout.readline()
        first = json.loads(line) if line else {"ready": False, "message": "the process that talks to it ended"}
        if first["ready"]:
            threading.Thread(target=self._read, daemon=True).start()
        else:
            self._lose(first["message"])

    def _read(self) -> None:
        """Hand answers to whoever waits for them; the end of the process answers all."""
        assert self._process is not None  # noqa: S101 - started by _connect
        for line in self._process.stdout or ():
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer["id"])
            waiting.put(answer)
        with self._lock:
            left, self._waiting = list(self._waiting.values()), {}
        for waiting in left:
            waiting.put({"lost": True, "message": "the process that talks to it ended"})

    def _lose(self, reason: str) -> None:
        """Say once that the cluster is not used."""
        if not self._is_lost:
            self._is_lost = True
            sys.stderr.write(f"MSLITE_EXECUTOR {self._address}: {reason}; converting on this machine\n")


def _end_all() -> None:
    for cluster in _CLUSTERS.values():
        cluster.end()
