"""Golden files: texts in tests/golden/<pass>/<case>.txt, written with `pytest --update-golden` and read by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.zoo import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = ROOT / "tests" / "golden"


def compare_golden(group: str, case: str, text: str, *, update: bool) -> None:
    """Compare `text` with the golden file of the case, or write it."""
    path: Path = GOLDEN / group / f"{case}.txt"
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), f"{path.relative_to(ROOT)} is missing: run pytest --update-golden and read what it writes"
    assert text == path.read_text(encoding="utf-8")
