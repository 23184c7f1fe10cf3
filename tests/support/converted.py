"""Models of every kind that the converter writes, for tests that hold the written files to somebody else's reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.api import convert_file
from converter.options import CalibrationOptions, ConvertOptions, QuantOptions
from support.zoo import DATA, LENET, LENET_INFERENCE, LENETS, ROOT, SPLIT, VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

FLOW = DATA.parent / "flow"
DIGITS = ROOT / "tests" / "quantize" / "data"
# How many of them are a few.
_FEW = {"train": 5, "infer": 5, "flow": 8}


@dataclass(frozen=True)
class Sample:
    """One conversion: of which kind, of which model, with which options."""

    kind: str
    model: Path
    options: ConvertOptions

    @property
    def name(self) -> str:
        """A file name of its own, by version, case and kind."""
        return f"{self.model.parent.name}-{self.model.stem}-{self.kind}"


def _quantized(calibration: Path) -> list[Sample]:
    """The quantized kinds and float16; FULL_QUANT calibrates with the files in `calibration`."""
    samples = CalibrationOptions(directories=(("x", str(calibration), ""),), size=1)
    quants = {
        "weights": QuantOptions(min_quant_weight_channel=0),
        "bits4": QuantOptions(bit_num=4, min_quant_weight_channel=0),
        "mixed": QuantOptions(bit_num=0, min_quant_weight_channel=0),
        "dynamic": QuantOptions(quant_type="DYNAMIC_QUANT"),
        "full": QuantOptions(quant_type="FULL_QUANT", calibration=samples),
    }
    found = [Sample(kind, DIGITS / "digits.mindir", ConvertOptions(quant=quant)) for kind, quant in quants.items()]
    found.append(Sample("weights", LENET.model, ConvertOptions(train=True, quant=quants["weights"])))
    return [*found, Sample("fp16", LENET_INFERENCE.model, ConvertOptions(fp16=True))]


def samples(calibration: Path, *, every: bool) -> list[Sample]:
    """All recorded models, or a few of each kind."""
    models = [path for version in VERSIONS for path in sorted((DATA / version).glob("*.mindir"))]
    training = [path for path in models if not path.stem.endswith("_infer")]
    inference = [path for path in models if path.stem.endswith("_infer")]
    chosen = {"train": training, "infer": inference, "flow": sorted(FLOW.glob("*/*.mindir"))}
    if not every:
        chosen = {kind: paths[:: len(paths) // _FEW[kind]] for kind, paths in chosen.items()}
        chosen["train"] += [SPLIT.model, *(recording.model for recording in LENETS[:3])]
    found = [
        Sample(kind, path, ConvertOptions(train=kind == "train")) for kind, paths in chosen.items() for path in paths
    ]
    return [*found, *_quantized(calibration)]


def write_calibration(folder: Path) -> Path:
    """A folder with one batch of digits."""
    folder.mkdir()
    with np.load(DIGITS / "digits.npz") as found:
        found["levels"][:60].astype(np.float32).tofile(folder / "0.bin")
    return folder


def convert_samples(folder: Path, wanted: list[Sample]) -> list[Path]:
    """The written files."""
    targets = [folder / f"{sample.name}.ms" for sample in wanted]
    for sample, target in zip(wanted, targets, strict=True):
        convert_file(sample.model, target, sample.options)
    return targets
