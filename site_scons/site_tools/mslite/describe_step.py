"""A `.ms` file that this build did not convert gets the record that a conversion would have left beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import convert_step, home, records, scratch
from .places import real
from .signed import SignedAction, failed

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Nodes


def _describe_model(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    """Ask a worker what `source` is; write that into `target`."""
    model = real(source[0]).get_path()
    answer = convert_step.describe({"id": 1, "source": model, "target": model}, env)
    if not answer["ok"]:
        return failed(answer["message"])
    names = ("bytes", "crc32", "inputs", "labels", "memory", "outputs", "sha256")
    record = {**{name: answer[name] for name in names}, "model": model}
    path = Path(target[0].get_abspath())
    scratch.mark(path)
    path.write_text(records.text_of(record), encoding="utf-8", newline="\n")
    return None


def _signature(_target: Nodes, _source: Nodes, _env: Env) -> str:
    return f"mslite-describe {home.version_text()}"


ACTION = SignedAction(_describe_model, _signature)
