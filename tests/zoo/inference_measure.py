"""One `.mindir`: our converter's file and the official one's, run in both runtimes and raced against each other."""

from __future__ import annotations

import sys
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
from proof import error, expected_of, inputs_of, recording  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile
    from numpy.typing import NDArray

    from converter.ir import Model

BOUND, COSINE, NEAR = 1e-4, 0.99999, 1e-2
# Processes lay out memory differently, which alone makes a few percent; each races the files in the other order.
HEATS, SECONDS = 4, 0.5


@dataclass(frozen=True)
class Closeness:
    """How close outputs came to MindSpore's: the largest difference relative to the largest element, least cosine."""

    error: float
    cosine: float
    bound: float = BOUND

    @property
    def holds(self) -> bool:
        """Whether both are within their bounds."""
        return self.error <= self.bound and self.cosine >= COSINE


@dataclass(frozen=True)
class File:
    """A `.ms`: what is in it, and how it computes in both runtimes; None where it does not run there.

    `problem` says why there is no file, `refusal` why one of the runtimes does not run it.
    """

    problem: str = ""
    size: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    runtime: Closeness | None = None
    reference: Closeness | None = None
    refusal: str = ""

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return sum(self.operators.values())

    @property
    def transposes(self) -> int:
        """How many of them only move elements."""
        return self.operators["Transpose"]

    @property
    def is_right(self) -> bool:
        """Whether the official runtime computes what MindSpore computed."""
        return self.runtime is not None and self.runtime.holds

    @property
    def is_usable(self) -> bool:
        """Whether it comes near enough to compare more than numbers: some files are wrong by an approximated GELU."""
        return self.runtime is not None and self.runtime.error <= NEAR

    @property
    def holds(self) -> bool:
        """Whether both runtimes are right."""
        return self.is_right and self.reference is not None and self.reference.holds


@dataclass(frozen=True)
class Recorded:
    """What MindSpore computed, and how close to it a case is held."""

    arrays: NpzFile
    bound: float

    @classmethod
    def of(cls, model: Path) -> Recorded:
        """The recording beside a model."""
        return cls(np.load(recording(model)), max(BOUND, expected_of(model).bound))


@dataclass(frozen=True)
class Row:
    """One network of one MindSpore version; `ratio` is the latency of our file over that of the official one."""

    version: str
    case: str
    ours: File
    theirs: File
    ratio: float | None


def measure(model: Path, folder: Path, oracle: Path) -> Row:
    """Convert twice, run, race. The official file is kept in `folder` as `<version>-<case>.ms` and not made again."""
    name = f"{model.parent.name}-{model.stem}"
    ours, theirs = folder / f"{name}.ours.ms", folder / f"{name}.ms"
    ratio = None
    recorded = Recorded.of(model)
    own, other = _ours(model, ours, recorded, oracle), _theirs(model, theirs, recorded, oracle)
    if own.is_usable and other.is_usable:
        ratio = latency_ratio((ours, theirs), runtime_inputs(read_model(ours), recorded.arrays), oracle)
    ours.unlink(missing_ok=True)
    return Row(model.parent.name, model.stem, own, other, ratio)


def _ours(model: Path, target: Path, recorded: Recorded, oracle: Path) -> File:
    """Our converter's file."""
    try:
        convert_file(model, target, ConvertOptions())
    except ConversionError as problem:
        return File(problem=problem.problems[0].message)
    return describe(target, recorded, oracle)


def _theirs(model: Path, target: Path, recorded: Recorded, oracle: Path) -> File:
    """The official converter's file."""
    if not target.is_file():
        done = official.convert(oracle, model, target, is_training=False, timeout=600)
        if not target.is_file():
            return File(problem=done.ending)
    try:
        return describe(target, recorded, oracle)
    except ConversionError as problem:
        return File(problem=problem.problems[0].message)


def describe(target: Path, recorded: Recorded, oracle: Path) -> File:
    """Run a `.ms` in both runtimes and compare with the recording. Raises `ConversionError` when it cannot be read."""
    converted = read_model(target)
    operators = Counter(node.op for graph in converted.graphs for node in graph.nodes)
    refusal, runtime, reference = "", None, None
    try:
        outputs = official.predict(oracle, target, runtime_inputs(converted, recorded.arrays))
        runtime = closeness(list(outputs.values()), recorded)
    except official.OracleError as problem:
        refusal = str(problem).splitlines()[0].partition(" on ")[0]
    try:
        reference = closeness(list(run(converted, inputs_of(converted, recorded.arrays)).values()), recorded)
    except ConversionError as problem:
        refusal = refusal or problem.problems[0].message
    return File("", target.stat().st_size, operators, runtime, reference, refusal)


def runtime_inputs(converted: Model, arrays: NpzFile) -> dict[str, NDArray[Any]]:
    """The recorded inputs as the official runtime takes them."""
    return {f"in{index}": array for index, array in enumerate(inputs_of(converted, arrays).values())}


def closeness(found: list[NDArray[Any]], recorded: Recorded) -> Closeness:
    """Compare all outputs with the recorded ones; the worst of them counts."""
    errors, cosines = [0.0], [1.0]
    for index, each in enumerate(found):
        expected = recorded.arrays[f"out{index}"]
        if each.size != expected.size:
            return Closeness(float("inf"), 0.0, recorded.bound)
        errors.append(error(each.reshape(expected.shape), expected))
        cosines.append(cosine(each, expected))
    return Closeness(max(errors), min(cosines), recorded.bound)


def cosine(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Of the angle between two arrays, read as vectors."""
    one, other = found.astype(np.float64).reshape(-1), expected.astype(np.float64).reshape(-1)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else float(np.array_equal(one, other))


def latency_ratio(files: tuple[Path, Path], inputs: dict[str, NDArray[Any]], oracle: Path) -> float:
    """Median over paired runs of the time of the first file over that of the second."""
    ratios = []
    for heat in range(HEATS):
        turned = heat % 2 == 1
        laps = official.race(oracle, files[::-1] if turned else files, inputs, SECONDS)
        ratios.append(laps[:, 1] / laps[:, 0] if turned else laps[:, 0] / laps[:, 1])
    return float(np.median(np.concatenate(ratios)))
