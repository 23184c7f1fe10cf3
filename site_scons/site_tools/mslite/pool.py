"""A pool of persistent conversion workers: processes, because SCons's threads share one interpreter lock.

A worker starts at the first real conversion that finds none idle, so their number never exceeds the conversions that
SCons runs at once (`-j`). Workers end with the build: their stdin closes, also when SCons is killed.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Show = Callable[[str, int, int], None]

_END_SECONDS = 5.0


class WorkerDiedError(Exception):
    """The worker ended without an answer; the text says how."""


@dataclass
class Worker:
    """One `python -m converter.worker`."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, python: str, root: str, directory: str) -> Worker:
        """Start one in its own session (Ctrl-C is SCons's to handle), with numpy on one core.

        It starts in `root`, which `-m` puts first on its path, and then changes to `directory`: a package of the
        user's that is called `converter` cannot come in between.
        """
        settings = {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        process = subprocess.Popen(  # noqa: S603 - the interpreter that the user chose, no shell
            [python, "-m", "converter.worker", directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            env={**os.environ, **settings},
            start_new_session=True,
            encoding="utf-8",
        )
        return cls(process)

    def ask(self, request: dict[str, Any], show: Show | None = None) -> dict[str, Any]:
        """Send one request and wait for its answer; WorkerDiedError when there is none.

        `show` gets what the worker says about its progress.
        """
        assert self.process.stdin is not None  # noqa: S101 - Popen was asked for both pipes
        assert self.process.stdout is not None  # noqa: S101
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            lines = iter(self.process.stdout.readline, "")
        except BrokenPipeError:
            lines = iter(())
        for line in lines:
            if not line.endswith("\n"):
                break
            answer: dict[str, Any] = json.loads(line)
            if "progress" not in answer:
                return answer
            if show is not None:
                show(*answer["progress"])
        raise WorkerDiedError(self._how_it_ended())

    def _how_it_ended(self) -> str:
        self.process.kill()
        code = self.process.wait()
        return f"killed by signal {-code}" if code < 0 else f"exit status {code}"

    def end(self) -> None:
        """Close its stdin and wait; a worker that does not listen is killed."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Pool:
    """Idle workers of one interpreter and one converter."""

    python: str
    root: str
    directory: str
    _idle: list[Worker] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, request: dict[str, Any], show: Show | None = None) -> dict[str, Any]:
        """Answer one request with an idle worker or a new one; called from any of SCons's threads."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = Worker.start(self.python, self.root, self.directory)
        answer = worker.ask(request, show)
        with self._lock:
            self._idle.append(worker)
        return answer

    def end(self) -> None:
        """End every idle worker."""
        with self._lock:
            workers, self._idle = self._idle, []
        for worker in workers:
            worker.end()


_POOLS: dict[tuple[str, str, str], Pool] = {}
_POOLS_LOCK = threading.Lock()


def pool_for(python: str, root: str, directory: str) -> Pool:
    """Return the pool of an interpreter; workers run in `directory`. All pools end when SCons exits."""
    key = (python, root, directory)
    with _POOLS_LOCK:
        if not _POOLS:
            atexit.register(_end_all)
        return _POOLS.setdefault(key, Pool(*key))


def _end_all() -> None:
    """End all workers; nothing may be printed here, SCons has said its last word."""
    for pool in _POOLS.values():
        pool.end()
