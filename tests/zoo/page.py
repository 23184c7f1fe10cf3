"""The whole zoo in one command: export what is not there, convert, train, compare, and write docs/zoo.md.

    python tests/zoo/page.py --mindspore ms200=PYTHON39 --mindspore ms270=PYTHON311 --oracle .venv-oracle

`--mindspore LABEL=PYTHON` exports every case with that interpreter's MindSpore into a scratch folder first (large
networks are never committed); without it only the committed recordings in tests/zoo/data are used. The official
converter's result on the same file stands beside ours when `--oracle` names its installation (tests/oracle/install.py).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converter.errors import ConversionError
from converter.mslite.reader import read_model

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "oracle")]

import official  # noqa: E402 - beside the oracle's tests, not in a package
from proof import (  # noqa: E402 - beside this file
    SPREAD_FACTOR,
    WEIGHT_BOUND,
    Proof,
    compare,
    expected_of,
    prove,
    recording,
)

DATA = HERE / "data"
SHOWN = 3
PATIENCE = 1800.0  # seconds; the official converter takes minutes for large networks on a busy machine
PAGE = ROOT / "docs" / "zoo.md"
# Files of ours that need more nodes than an official one that trains right, and why.
MORE_NODES = dict.fromkeys(
    ("layer_tanh", "step_loop"),
    "the official file takes tanh from the device's kernel, which is off by up to 1e-4 for inputs beyond 2 "
    "(`layer_tanh_steep`); the exact one takes three nodes",
)


@dataclass(frozen=True)
class Row:
    """One file: ours, and the official converter's."""

    version: str
    case: str
    proof: Proof | None
    problem: str
    official: str
    official_nodes: int | None = None
    """Of an official file that trains right."""

    @property
    def is_longer(self) -> bool:
        """Whether ours has more nodes than an official file that trains right."""
        return self.proof is not None and self.official_nodes is not None and self.proof.nodes > self.official_nodes


def main() -> int:
    """Export, prove, write the page; exit code 1 when a case fails or is longer, and no reason is known."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folders = [path for path in sorted(DATA.iterdir()) if path.is_dir()] if not arguments.only_exported else []
        folders += arguments.data
        folders += [export(*pair.split("=", 1), Path(scratch)) for pair in arguments.mindspore]
        models = sorted(model for folder in folders for model in folder.glob("*.mindir") if recording(model).is_file())
        rows = [prove_row(model, arguments.oracle) for model in models]
    write(rows, arguments.page, has_oracle=arguments.oracle is not None)
    failed = [row for row in rows if row.proof is None or not row.proof.holds]
    sys.stdout.write(f"{len(rows) - len(failed)} of {len(rows)} hold; the page is {arguments.page.name}\n")
    is_unexplained = any(row.is_longer and row.case not in MORE_NODES for row in rows)
    return 1 if is_unexplained or any(row.proof is not None for row in failed) else 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--mindspore", action="append", default=[], metavar="LABEL=PYTHON")
    parser.add_argument("--data", action="append", default=[], type=Path, help="more folders with recordings")
    parser.add_argument("--only-exported", action="store_true", help="leave the committed recordings out")
    parser.add_argument("--oracle", type=Path, help="installed official converter (tests/oracle/install.py)")
    parser.add_argument("--page", type=Path, default=PAGE)
    return parser.parse_args()


def export(label: str, python: str, scratch: Path) -> Path:
    """Export all cases with one MindSpore; cases that it cannot export are listed by export.py itself."""
    folder = scratch / label
    command = [python, str(HERE / "export.py"), "--out", str(folder), "--set", "all"]
    subprocess.run(command, check=False)
    return folder


def prove_row(model: Path, oracle: Path | None) -> Row:
    """One file that has a recording."""
    proof, problem = None, ""
    try:
        proof = prove(model)
    except ConversionError as failure:
        problem = failure.problems[0].message
    row = Row(model.parent.name, model.stem, proof, problem, *official_result(model, oracle))
    shown = "ok" if proof is not None and proof.holds else "FAIL"
    sys.stdout.write(f"{shown:5s}{row.version}/{row.case}  official: {row.official}\n")
    sys.stdout.flush()
    return row


def official_result(model: Path, oracle: Path | None) -> tuple[str, int | None]:
    """What the official converter makes of the file: how it fails, or nodes and loss error in our interpreter.

    The number beside it is that of the nodes of a training file with the right losses.
    """
    if oracle is None:
        return "-", None
    with np.load(recording(model)) as record, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "official.ms"
        is_training = "losses" in record.files
        done = official.convert(oracle, model, target, is_training=is_training, timeout=PATIENCE)
        if not target.is_file():
            return f"fails: {done.ending}", None
        try:
            converted = read_model(target)
            proof = compare(converted, record, replace(expected_of(model), steps=None))
        except ConversionError as failure:
            return f"refused by the device: {failure.problems[0].message}", None
        is_right = proof.loss_error <= proof.loss_bound
    words = f"{'' if is_right else '**wrong** '}{proof.nodes} nodes, loss {proof.loss_error:.0e}"
    return words, proof.nodes if is_right and is_training else None


def write(rows: list[Row], page: Path, *, has_oracle: bool) -> None:
    """The page: a summary by version, then a table per version."""
    official_words = " Official: converter 2.0.0 on the same file, its output run the same way." if has_oracle else ""
    lines = [
        "# The zoo",
        "",
        "Printed by `tests/zoo/page.py` (see its help); do not edit. Each file was exported by the MindSpore that its",
        "table is named after, converted, and trained 10 steps (or run once) in the reference interpreter of the",
        "device. Losses: largest error relative to MindSpore's. Weights, slots and moving averages: largest error",
        f"relative to the largest element.{official_words}",
        "Networks for inference, in the official runtime and raced against official files:"
        " [zoo_inference.md](zoo_inference.md).",
        "",
        *longer_files(rows, has_oracle=has_oracle),
    ]
    for version in sorted({row.version for row in rows}):
        chosen = sorted((row for row in rows if row.version == version), key=lambda row: row.case)
        holds = sum(row.proof is not None and row.proof.holds for row in chosen)
        lines += [f"## {version}: {holds} of {len(chosen)} hold", ""]
        lines += [
            "| case | converts | nodes | bytes | loss error | weight error | seconds | official |",
            "|" + "---|" * 8,
        ]
        lines += [line(row) for row in chosen] + [""] + [footnote(row) for row in chosen if row.proof and row.proof.far]
    page.write_text("\n".join(lines), encoding="utf-8")


def verdict(proof: Proof) -> str:
    """Whether ours trains like MindSpore, and what must be known about the comparison."""
    notes = [proof.note] if proof.note else []
    notes += [f"{_tensors(len(proof.far))} by the spread, see below"] if proof.far else []
    holds = "yes" if proof.holds else f"**differs** in `{proof.worst}`"
    return holds + (f" ({'; '.join(notes)})" if notes else "")


def longer_files(rows: list[Row], *, has_oracle: bool) -> list[str]:
    """Which training files have more nodes than an official one that trains right, and why."""
    if not has_oracle:
        return []
    longer = [row for row in rows if row.is_longer]
    if not longer:
        return ["No training file has more nodes than an official one that trains right.", ""]
    lines = ["Training files with more nodes than an official one that trains right:", ""]
    return lines + [f"* {row.version}/{row.case}: {MORE_NODES.get(row.case, '?')}" for row in longer] + [""]


def footnote(row: Row) -> str:
    """What the weight error of a row leaves out."""
    far = row.proof.far if row.proof else ()
    listed = ", ".join(
        f"`{each.name}` {each.error:.0e} (spread {each.spread:.0e})"
        for each in sorted(far, key=lambda each: -each.error)[:SHOWN]
    )
    return (
        f"* {row.case}: off by more than {WEIGHT_BOUND:.0e}, but by no more than {SPREAD_FACTOR:.0f} times as much as "
        f"MindSpore's own numbers when its inputs move by one unit in the last place: {_tensors(len(far))}, of which "
        f"the farthest {listed}\n"
    )


def _tensors(count: int) -> str:
    return f"{count} tensor{'s' if count > 1 else ''}"


def line(row: Row) -> str:
    """One row of a table."""
    if row.proof is None:
        return f"| {row.case} | no: {row.problem} | | | | | | {row.official} |"
    proof = row.proof
    cells = (
        row.case,
        verdict(proof),
        str(proof.nodes),
        str(proof.size),
        f"{proof.loss_error:.0e}",
        f"{proof.weight_error:.0e}",
        f"{proof.seconds:.1f}",
        row.official,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
