"""Print how far the interpreter is from the device, as the tables of docs/reference.md.

Run from the project's root: `python tests/reference/measure.py`. Kernels are run on the inputs that the device's
kernels had; trainings run freely from the file. Differences are relative to the largest element, as in the tests.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from recordings import NAMES, Record, Watch, difference, floor_of, folder, step_inputs
from test_device_training import DEFINED_STEPS, LEFTOVER, ROUNDING_ONLY, UNDEFINED_CONSTANTS

from converter.mslite.reader import read_model
from converter.reference import Session


@dataclass
class Row:
    """Worst case over several comparisons."""

    compared: int = 0
    equal: int = 0
    worst: float = 0.0

    def add(self, got: np.ndarray, wanted: np.ndarray, floor: float = 0.0) -> None:
        """Count one comparison."""
        self.compared += 1
        self.equal += bool(np.array_equal(got, wanted))
        self.worst = max(self.worst, difference(got, wanted, floor))

    def __str__(self) -> str:
        """As cells of a table."""
        return f"{self.compared} | {self.equal} | {self.worst:.1e}"


def measure_kernels() -> dict[str, Row]:
    """Every recorded kernel output, by operator."""
    rows: dict[str, Row] = defaultdict(Row)
    for kind in ("train", "quirks"):
        for name in NAMES[kind]:
            record = Record(kind, name)
            session = record.session()
            watch = Watch(session, record.group_of_traces())
            session.step(record.inputs)
            for key, wanted in record.group_of_traces().items():
                position = int(key.split("/")[1])
                got = watch.results[key]
                if got is not None and (name, key) != LEFTOVER:
                    rows[session.roles.order[position].op].add(got, wanted, floor_of(watch.kernels[position]))
    return rows


def measure_trainings() -> dict[str, Row]:
    """Losses, outputs, constants and eval outputs of the records, and losses and constants of the recipes."""
    rows: dict[str, Row] = defaultdict(Row)
    for kind in ("train", "quirks"):
        for name in NAMES[kind]:
            _measure_record(Record(kind, name), rows)
    for name in NAMES["recipes"]:
        with np.load(folder("recipes") / f"{name}.npz") as archive:
            recorded = dict(archive)
        session = Session(read_model(folder("recipes") / f"{name}.ms"))
        for wanted in recorded["losses"]:
            rows["recipes: losses"].add(np.array(session.step(step_inputs(recorded)).losses[0]), wanted)
        constants = session.constants()
        for key, wanted in recorded.items():
            if key.startswith("w:"):
                rows["recipes: constants after 8 steps"].add(constants[key[2:]], wanted)
    return rows


def _measure_record(record: Record, rows: dict[str, Row]) -> None:
    session = record.session()
    scales = Watch(session).scales
    steps = DEFINED_STEPS.get(record.name, record.facts["steps"])
    for step in range(steps):
        outputs = session.step(record.inputs).outputs
        for index, name in enumerate(record.facts["outputs"]):
            label = "losses" if name in record.facts["losses"] else "other outputs"
            rows[f"records: {label}"].add(outputs[name], record.arrays[f"out{index}"][step])
        if step == 0 and record.name not in UNDEFINED_CONSTANTS:
            _measure_constants(record, session, "after1/", scales, rows["records: constants after step 1"])
    if steps == record.facts["steps"]:
        _measure_constants(record, session, "final/", scales, rows["records: constants after 5 steps"])
        for index, name in enumerate(record.facts["eval_outputs"]):
            got = session.evaluate(record.inputs)[name]
            rows["records: eval outputs"].add(got, record.arrays[f"eval{index}"])


def _measure_constants(record: Record, session: Session, prefix: str, scales: dict[str, float], row: Row) -> None:
    constants = session.constants()
    for name, wanted in record.group(prefix).items():
        if name not in ROUNDING_ONLY:
            row.add(constants[name], wanted, floor_of(scales.get(name, 0.0)))


def main() -> None:
    """Print both tables."""
    lines = ["| what | compared | equal bits | largest difference |", "|--|--|--|--|"]
    lines += [f"| {name} | {row} |" for name, row in measure_trainings().items()]
    lines += ["", "| kernel | outputs | equal bits | largest difference |", "|--|--|--|--|"]
    kernels = measure_kernels()
    exact = [name for name, row in sorted(kernels.items()) if row.equal == row.compared]
    lines += [f"| {name} | {row} |" for name, row in sorted(kernels.items()) if name not in exact]
    total = sum(kernels[name].compared for name in exact)
    lines += ["", f"Equal in every bit ({total} outputs): {', '.join(exact)}."]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
