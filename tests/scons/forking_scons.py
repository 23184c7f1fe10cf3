"""A process that has SCons imported and forks one scons per request: a third of the time of a new Python.

Each child runs SCons's own `main()` in a process of its own and leaves through the interpreter's normal exit.
Request, a JSON line: {"words", "directory", "out", "err"}; answer: the exit code in a line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import SCons.Script


def serve() -> list[str] | None:
    """Fork for every request; return the words in a child, None in the parent when the requests end."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _enter(request)
            return list(request["words"])
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return None


def _enter(request: dict[str, str]) -> None:
    os.chdir(request["directory"])
    os.environ["PWD"] = request["directory"]
    for name, stream in (("out", 1), ("err", 2)):
        with Path(request[name]).open("wb") as file:
            os.dup2(file.fileno(), stream)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)


words = serve()
if words is not None:
    sys.argv = ["scons", *words]
    SCons.Script.main()
