"""`scons models-report`: one HTML page about all models, made by a process of its own, which may import numpy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from . import home
from .signed import failed, is_dry_run

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Node, Nodes

PAGE_SUFFIX, STATE_SUFFIX = ".report.html", ".report.json"


def pages(env: Env, manifest: Node) -> Nodes:
    """Return the files that a report makes beside the manifest `X.json`: the page, and what it compares with."""
    base = manifest.get_abspath().removesuffix(".json")
    return [env.fs.File(base + PAGE_SUFFIX), env.fs.File(base + STATE_SUFFIX)]


def report(target: Nodes, source: Nodes, env: Env) -> BuildError | None:  # noqa: ARG001 - SCons calls it by these names
    """Write a page for each manifest, and say where it is."""
    top = env.Dir("#").get_abspath()
    for manifest in source:
        page, state = pages(env, manifest)
        command = [str(env["MSLITE_PYTHON"]), "-m", "converter.tools.report_page", manifest.get_abspath()]
        command += ["--page", page.get_abspath(), "--state", state.get_abspath(), "--top", top]
        ran = subprocess.run(  # noqa: S603 - the interpreter that the user chose, no shell
            command,
            cwd=home.require(),
            env={**os.environ, "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if ran.returncode:
            return failed(ran.stderr.strip().replace(top + os.sep, ""))
        print(f"REPORT {Path(os.path.relpath(page.get_abspath(), top)).as_posix()}")  # noqa: T201 - what the user asked for
    return None


def announce(_target: Nodes, source: Nodes, env: Env) -> str:
    """Return the line of a dry run."""
    return f"REPORT {pages(env, source[0])[0]}" if is_dry_run() else ""
