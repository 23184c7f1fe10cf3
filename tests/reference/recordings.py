"""The device's recordings, unpacked on demand, and the interpreter beside them."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.mslite.reader import read_model
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model, Node, Value
    from converter.reference.call import Array

PACKED = Path(__file__).parent / "device"
NAMES: dict[str, list[str]] = json.loads((PACKED / "names.json").read_text(encoding="utf-8"))
# As the recordings' own README suggests.
LOSS_TOLERANCE, TENSOR_TOLERANCE, CANCELLED = 1e-5, 2e-5, 1e-7
GRADIENT_INPUTS = {"ApplyMomentum": 3, "SGD": 1, "Adam": 9}
MOVERS = ("Reshape", "Squeeze", "Transpose", "ExpandDims")


@cache
def folder(kind: str) -> Path:
    """One kind of recordings, unpacked once per process."""
    root = Path(tempfile.mkdtemp(prefix="recordings-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    with tarfile.open(PACKED / f"{kind}.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            (root / Path(member.name).name).write_bytes(file.read())
    return root


@cache
def cases(kind: str) -> dict[str, dict[str, Any]]:
    """`cases.jsonl` of refuse or accept, by name."""
    lines = (folder(kind) / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return {case["name"]: case for case in map(json.loads, lines)}


def case_inputs(kind: str, case: dict[str, Any]) -> list[Array]:
    """The inputs of a case: its own, or those of the record it was made from."""
    where = Path(case["inputs"])
    root = folder(where.parent.name) if where.parent.name else folder(kind)
    return step_inputs(dict(np.load(root / where.name)))


def step_inputs(arrays: dict[str, Array]) -> list[Array]:
    """`in0`, `in1`, … in order."""
    names = [name for name in arrays if re.fullmatch(r"in\d+", name)]
    return [arrays[name] for name in sorted(names, key=lambda name: int(name[2:]))]


@dataclass
class Record:
    """One file that runs, with what the device made of it."""

    kind: str
    name: str

    @cached_property
    def facts(self) -> dict[str, Any]:
        return dict(json.loads((folder(self.kind) / f"{self.name}.json").read_text(encoding="utf-8")))

    @cached_property
    def arrays(self) -> dict[str, Array]:
        with np.load(folder(self.kind) / f"{self.name}.npz") as archive:
            return dict(archive)

    @cached_property
    def model(self) -> Model:
        return read_model(folder(self.kind) / f"{self.name}.ms")

    @cached_property
    def inputs(self) -> list[Array]:
        return step_inputs(self.arrays)

    def session(self) -> Session:
        """A fresh session; a Dropout is given the recorded mask."""
        session = Session(self.model)
        for position, node in enumerate(session.roles.order):
            if node.op == "Dropout":
                session.state(node)["mask"] = self.arrays[f"trace/{position}/1"]
        return session

    def group_of_traces(self) -> dict[str, Array]:
        """Recorded kernel outputs, `trace/K/J`."""
        return {name: values for name, values in self.arrays.items() if name.startswith("trace/")}

    def group(self, prefix: str) -> dict[str, Array]:
        """Recorded arrays below a prefix, such as `final/`."""
        return {name[len(prefix) :]: values for name, values in self.arrays.items() if name.startswith(prefix)}


def difference(got: Array, wanted: Array, floor: float = 0.0) -> float:
    """Largest difference, relative to the largest finite element (or the floor); equal infinities do not differ."""
    got, wanted = np.asarray(got, np.float64).reshape(-1), np.asarray(wanted, np.float64).reshape(-1)
    assert got.shape == wanted.shape
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(got - wanted))
    finite = np.abs(wanted[np.isfinite(wanted)])
    return float(gap.max(initial=0.0)) / max(float(finite.max(initial=0.0)), floor, 1e-30)


def floor_of(largest_input: float) -> float:
    """The scale below which a result is a cancelled sum: there the inputs' rounding is all that is left."""
    return largest_input * CANCELLED / TENSOR_TOLERANCE


def largest(values: Array) -> float:
    """Largest size of a float array; 0 for others."""
    return float(np.abs(values).max(initial=0.0)) if values.dtype == np.float32 else 0.0


class Watch:
    """A session hook that notes how large the summands of each kernel's result were: the scale of what may cancel.

    `scales` holds it for every constant that an optimizer updates, `kernels` for every node by position. With
    `replacements` (`trace/K/J`), every recorded output takes the place of the computed one, and `results` keeps the
    computed ones.
    """

    def __init__(self, session: Session, replacements: dict[str, Array] | None = None) -> None:
        self.session = session
        self.replacements = replacements
        self.sizes: dict[int, float] = {}
        self.scales: dict[str, float] = {}
        self.kernels: dict[int, float] = {}
        self.results: dict[str, Array | None] = {}
        session.on_kernel = self

    def __call__(self, position: int, node: Node, outputs: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
        self.kernels[position] = self._summands(node)
        names = [f"trace/{position}/{index}" for index in range(len(outputs))]
        self.results.update(zip(names, outputs, strict=True))
        for value, values in zip(node.outputs, outputs, strict=False):
            if values is not None:
                self.sizes[id(value)] = largest(values)
        if node.op in GRADIENT_INPUTS:
            self._note_gradient(node)
        if self.replacements is None:
            return outputs
        return tuple(self.replacements.get(name, values) for name, values in zip(names, outputs, strict=True))

    def _summands(self, node: Node) -> float:
        return max((self._size(value) for value in node.inputs), default=0.0)

    def _size(self, value: Value) -> float:
        if value.is_const:
            return largest(self.session.current(value))
        return self.sizes.get(id(value), 0.0)

    def _note_gradient(self, node: Node) -> None:
        gradient = node.inputs[GRADIENT_INPUTS[node.op]]
        while gradient.producer is not None and gradient.producer.op in MOVERS:
            gradient = gradient.producer.inputs[0]
        scale = 0.0 if gradient.producer is None else self._summands(gradient.producer)
        for value in node.inputs:
            self.scales[value.name] = max(self.scales.get(value.name, 0.0), scale)
