"""The recorded models in tests/zoo/data: MindIR files with inputs and the numbers that MindSpore computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import Layout

if TYPE_CHECKING:
    from converter.ir import Value

    Array = np.ndarray[Any, np.dtype[Any]]

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "zoo" / "data"
VERSIONS = ("ms162", "ms1100", "ms200", "ms270", "ms2100")
_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_IMAGE_RANK = 4


@dataclass(frozen=True)
class Recording:
    """One recorded model: `case` of the MindSpore version `version`."""

    version: str
    case: str

    def __str__(self) -> str:
        return f"{self.version}-{self.case}"

    @property
    def model(self) -> Path:
        """The MindIR file; of a model with split weights, its graph file."""
        split = DATA / self.version / f"{self.case}_graph.mindir"
        return split if split.exists() else DATA / self.version / f"{self.case}.mindir"

    @property
    def is_training(self) -> bool:
        return not self.case.endswith("_infer")

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """Everything that was recorded."""
        with np.load(DATA / self.version / f"{self.case}.npz") as file:
            return {name: file[name] for name in file.files}

    @property
    def inputs(self) -> list[Array]:
        """Inputs by position, four axes in the order of the `.ms` file: NHWC."""
        found = [self.arrays[f"in{index}"] for index in range(len(self.arrays)) if f"in{index}" in self.arrays]
        return [array.transpose(_TO_NHWC) if array.ndim == _IMAGE_RANK else array for array in found]

    @property
    def final(self) -> dict[str, Array]:
        """Parameters after the last step, by their name in the MindIR, in its layout."""
        return {name.removeprefix("final/"): self.arrays[name] for name in self.arrays if name.startswith("final/")}


LENETS = tuple(
    Recording(version, f"lenet_{optimizer}_{loss}")
    for version in ("ms200", "ms270")
    for optimizer in ("momentum", "sgd", "adam")
    for loss in ("sparse", "onehot", "mse")
)
LENET = Recording("ms200", "lenet_momentum_mse")
LENET_INFERENCE = Recording("ms200", "lenet_infer")
INFERENCES = tuple(Recording(version, "lenet_infer") for version in VERSIONS)
OTHER_STEPS = tuple(Recording(version, "lenet_momentum_sparse") for version in ("ms162", "ms1100", "ms2100"))
SPLIT = Recording("ms200", "lenet_split")
BRANCHES = tuple(Recording(version, "branch_infer") for version in ("ms200", "ms270"))
CONVERTIBLE = (*LENETS, *OTHER_STEPS, *INFERENCES, SPLIT)


def mindir_layout(value: Value, array: Array) -> Array:
    """The numbers of a constant of a `.ms` file with the axes in the order of MindIR."""
    return array.transpose(_TO_NCHW) if value.layout is Layout.KHWC and array.ndim == _IMAGE_RANK else array


def relative_error(found: Array, expected: Array) -> float:
    """Largest difference, relative to the largest element."""
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()) / scale
