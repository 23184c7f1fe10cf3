"""The page that `inference.py` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proof import expected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from inference_measure import Closeness, File, Row

_TOP = """# Inference networks

Printed by `tests/zoo/inference.py` (see its help); do not edit. Networks are those of MindCV, one or more of each
family, with seeded random weights, the statistics, scales and shifts of their normalizations among them, and small
ones of the zoo; exported by the MindSpore that their table is named after.

Errors: the largest difference from MindSpore's outputs, relative to the largest of them, in the official runtime 2.0.0
and in our reference interpreter; a network holds when both are at most 1e-4 and the cosine at least 0.99999. Official:
the file that converter 2.0.0 makes of the same model, in the same runtime. Latency: ours over the official file's, on
one thread, median of paired runs in several processes.
"""
_LEVEL = 1.02
_HEAD = (
    "| network | converts | runtime | reference | nodes | transposes | bytes "
    "| official | runtime | nodes | transposes | bytes | latency |"
)


def write(rows: list[Row], page: Path) -> None:
    """A summary and a table per MindSpore version."""
    lines = _TOP.splitlines()
    for version in sorted({row.version for row in rows}):
        chosen = [row for row in rows if row.version == version]
        holds = sum(row.ours.holds for row in chosen)
        lines += ["", f"## {version}: {holds} of {len(chosen)} hold", "", *_summary(chosen), ""]
        lines += [_HEAD, "|" + "---|" * 13, *(_line(row) for row in chosen), *_notes(chosen)]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _summary(rows: list[Row]) -> Iterable[str]:
    """How the files compare where the official one is right."""
    both = [row for row in rows if row.theirs.is_usable]
    right = sum(row.theirs.holds for row in both)
    yield f"The official converter's file is right for {right}, and off by less than 1e-2 for {len(both) - right} more."
    if not both:
        return
    nodes = sum(row.ours.nodes <= row.theirs.nodes for row in both)
    sizes = sum(row.ours.size <= row.theirs.size for row in both)
    raced = [row.ratio for row in both if row.ratio is not None]
    level, faster = sum(ratio <= _LEVEL for ratio in raced), sum(ratio < 1 for ratio in raced)
    yield f"Of these, ours has no more nodes for {nodes} and is no larger for {sizes}. Its latency is at most {_LEVEL}"
    yield f"of the official one's for {level} of {len(raced)}, and below it for {faster}."


def _notes(rows: list[Row]) -> Iterable[str]:
    """Which networks are held to another bound, and why."""
    held = [(row.case, expected(row.version, row.case)) for row in rows]
    notes = [f"* {case} is held to {to.bound:.0e}: {to.note}." for case, to in held if to.note]
    return ["", *notes] if notes else []


def _line(row: Row) -> str:
    """One row of a table."""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    own, other = row.ours, row.theirs
    cells = (row.case, *_file(own), *_file(other)[:2], *_file(other)[3:], ratio)
    return f"| {' | '.join(cells)} |"


def _file(file: File) -> tuple[str, ...]:
    """What stands in the table about one file."""
    if file.problem:
        return (f"no: {file.problem}", *[""] * 5)
    converts = f"refused: {file.refusal}" if file.refusal else "yes"
    counts = (str(file.nodes), str(file.transposes), str(file.size))
    return converts, _error(file.runtime), _error(file.reference), *counts


def _error(closeness: Closeness | None) -> str:
    """An error, marked where it is out of bounds."""
    if closeness is None:
        return ""
    return f"{closeness.error:.0e}" if closeness.holds else f"**{closeness.error:.0e}**"
