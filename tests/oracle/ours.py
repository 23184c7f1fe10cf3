"""Our converter as a user runs it, and where the models to convert are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
ZOO = ROOT / "tests" / "zoo" / "data"
CASES = ROOT / "tests" / "quantize" / "data" / "cases"


def convert_ours(
    model: Path, output: Path, *, is_training: bool, config: Path | None = None, more: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """`python -m converter` with the flags of converter_lite; `more` are further ones."""
    flags = ["--fmk=MINDIR", f"--modelFile={model}", f"--outputFile={output}"]
    flags += ["--trainModel=true"] if is_training else []
    flags += [f"--configFile={config}"] if config else []
    command = [sys.executable, "-m", "converter", *flags, *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
