"""Inference in one command: export, convert, run in the official runtime and in the reference, write the page.

    python tests/zoo/inference.py --mindspore ms200=PYTHON39 --mindspore ms270=PYTHON311 --oracle .venv-oracle

`--mindspore LABEL=PYTHON` exports the networks of `inference_cases` one by one with that interpreter's MindSpore and
deletes each once it is measured. The small networks are those committed in tests/zoo/data. The official converter's
file of the same model stands beside ours: nodes, transposes, size, and the ratio of their latencies.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from inference_cases import NETWORKS, SMALL  # noqa: E402 - beside this file
from inference_measure import Row, measure  # noqa: E402 - beside this file
from inference_page import write  # noqa: E402 - beside this file
from proof import recording  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = HERE / "data"
PAGE = HERE.parents[1] / "docs" / "zoo_inference.md"


def main() -> int:
    """Measure everything, write the page; exit code 1 when a network does not hold."""
    arguments = parse_arguments()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for model in models(arguments, Path(scratch)):
            row = measure(model, arguments.keep or Path(scratch), arguments.oracle)
            show(row)
            rows.append(row)
    rows.sort(key=lambda row: row.version)
    write(rows, arguments.page)
    holds = sum(row.ours.holds for row in rows)
    sys.stdout.write(f"{holds} of {len(rows)} hold; the page is {arguments.page.name}\n")
    return 0 if holds == len(rows) else 1


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--mindspore", action="append", default=[], metavar="LABEL=PYTHON")
    parser.add_argument("--oracle", type=Path, required=True, help="installed oracle (tests/oracle/install.py)")
    parser.add_argument("--models", nargs="*", default=[], type=Path, help="exported models beside their recordings")
    parser.add_argument("--keep", type=Path, help="folder that keeps the official converter's files for the next run")
    parser.add_argument("--page", type=Path, default=PAGE)
    return parser.parse_args()


def models(arguments: argparse.Namespace, scratch: Path) -> Iterator[Path]:
    """Every model that has a recording; an exported one exists only until the next is asked for."""
    for folder in sorted(path for path in DATA.iterdir() if path.is_dir()):
        yield from (model for name in SMALL if recording(model := folder / f"{name}.mindir").is_file())
    yield from arguments.models
    for pair in arguments.mindspore:
        label, python = pair.split("=", 1)
        for network in NETWORKS:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                model = Path(folder) / label / f"{network.name}_infer.mindir"
                command = [python, str(HERE / "export.py"), "--out", str(model.parent), "--case", model.stem]
                subprocess.run(command, check=False)
                if recording(model).is_file():
                    yield model


def show(row: Row) -> None:
    """One line while it runs."""
    ratio = "" if row.ratio is None else f"  latency {row.ratio:.2f}"
    sys.stdout.write(
        f"{'ok  ' if row.ours.holds else 'FAIL'} {row.version}/{row.case}  {row.ours.problem or row.ours.refusal}"
        f"{row.ours.nodes} nodes, official {row.theirs.problem or row.theirs.refusal or row.theirs.nodes}{ratio}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
