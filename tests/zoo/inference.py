"""Inference in one command: export, convert, run in the official runtime and in the reference, write the page.

    python tests/zoo/inference.py --mindspore ms200=PYTHON39 --mindspore ms270=PYTHON311 --oracle .venv-oracle

`--mindspore LABEL=PYTHON` exports the networks of `inference_cases` one by one with that interpreter's MindSpore and
deletes each once it is measured. The official converter's result on the same file stands beside ours: nodes,
transposes, size, and the ratio of the runtimes of both files in the official runtime (paired alternating runs).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.api import convert_file
from converter.errors import ConversionError
from converter.mslite.reader import read_model
from converter.options import ConvertOptions
from converter.reference import run

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "oracle")]

import official  # noqa: E402 - beside the oracle's tests, not in a package
from proof import error, inputs_of, recording  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from converter.ir import Model

BOUND, COSINE = 1e-4, 0.99999
ROUNDS = 15


@dataclass(frozen=True)
class Closeness:
    """How close outputs came to MindSpore's: the largest difference relative to the largest element, least cosine."""

    error: float
    cosine: float

    @property
    def holds(self) -> bool:
        """Whether both are within their bounds."""
        return self.error <= BOUND and self.cosine >= COSINE


@dataclass(frozen=True)
class File:
    """A `.ms`: what is in it, and how it computes in both runtimes; None where it does not run there."""

    problem: str = ""
    size: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    runtime: Closeness | None = None
    reference: Closeness | None = None
    refusal: str = ""

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return self.operators.total()

    @property
    def transposes(self) -> int:
        """How many of them only move elements."""
        return self.operators["Transpose"]

    @property
    def holds(self) -> bool:
        """Whether it computes what MindSpore computed, in both runtimes."""
        return all(one is not None and one.holds for one in (self.runtime, self.reference))


def measure(target: Path, record: Any, oracle: Path) -> File:
    """Run a `.ms` in both runtimes and compare with the recording."""
    converted = read_model(target)
    operators = Counter(node.op for graph in converted.graphs for node in graph.nodes)
    refusal, runtime, reference = "", None, None
    try:
        runtime = closeness(list(official.predict(oracle, target, runtime_inputs(converted, record)).values()), record)
    except official.OracleError as problem:
        refusal = str(problem).splitlines()[0]
    try:
        reference = closeness(list(run(converted, inputs_of(converted, record)).values()), record)
    except ConversionError as problem:
        refusal = refusal or problem.problems[0].message
    return File("", target.stat().st_size, operators, runtime, reference, refusal)


def runtime_inputs(converted: Model, record: Any) -> dict[str, NDArray[Any]]:
    """The recorded inputs as `official.predict` takes them."""
    return {f"in{index}": array for index, array in enumerate(inputs_of(converted, record).values())}


def closeness(found: list[NDArray[Any]], record: Any) -> Closeness:
    """Compare all outputs with the recorded ones; the worst of them counts."""
    worst = Closeness(0.0, 1.0)
    for index, each in enumerate(found):
        expected = record[f"out{index}"]
        if each.size != expected.size:
            return Closeness(float("inf"), 0.0)
        shaped = each.reshape(expected.shape)
        worst = Closeness(max(worst.error, error(shaped, expected)), min(worst.cosine, cosine(shaped, expected)))
    return worst


def cosine(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Of the angle between two arrays, read as vectors."""
    one, other = found.astype(np.float64).reshape(-1), expected.astype(np.float64).reshape(-1)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else float(np.array_equal(one, other))


def ours(model: Path, target: Path, record: Any, oracle: Path) -> File:
    """Our converter's file."""
    try:
        convert_file(model, target, ConvertOptions())
    except ConversionError as problem:
        return File(problem=problem.problems[0].message)
    return measure(target, record, oracle)


def theirs(model: Path, target: Path, record: Any, oracle: Path) -> File:
    """The official converter's file."""
    done = official.convert(oracle, model, target, is_training=False, timeout=600)
    if not target.is_file():
        return File(problem=done.ending)
    try:
        return measure(target, record, oracle)
    except ConversionError as problem:
        return File(problem=f"unreadable: {problem.problems[0].message}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--oracle", type=Path, required=True)
    arguments = parser.parse_args()
    for model in arguments.models:
        with np.load(recording(model)) as record, tempfile.TemporaryDirectory() as scratch:
            target = Path(scratch) / "ours.ms"
            found = ours(model, target, record, arguments.oracle)
            print(
                model.stem, found.problem, found.runtime, found.reference, found.refusal, found.nodes, found.transposes
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
