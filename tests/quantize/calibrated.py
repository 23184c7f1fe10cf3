"""Config files and calibration data for FULL_QUANT tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.api import convert
from converter.config import load_config
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from converter.ir import Model
    from converter.quantize.calibrate import Progress

    Array = np.ndarray[Any, np.dtype[Any]]

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "tests" / "zoo" / "data" / "ms200" / "lenet_infer.mindir"
INPUT = "x"
SHAPE = (4, 32, 32, 1)


def write_samples(folder: Path, count: int, shape: tuple[int, ...] = SHAPE, seed: int = 3) -> None:
    """Raw float32 files."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    for index in range(count):
        generator.standard_normal(shape).astype(np.float32).tofile(folder / f"{index:02d}.bin")


def write_config(
    folder: Path, *, count: int = 3, common: str = "", full: str = "", data: str = "input_type=BIN", name: str = INPUT
) -> Path:
    """A config for FULL_QUANT beside its samples."""
    path = folder / "full.cfg"
    path.write_text(
        f"[common_quant_param]\nquant_type=FULL_QUANT\n{common}\n"
        f"[data_preprocess_param]\ncalibrate_path={name}:samples\ncalibrate_size={count}\n{data}\n"
        f"[full_quant_param]\n{full}\n",
        encoding="utf-8",
    )
    return path


def quantized(config: Path, model: Path = LENET, progress: Progress | None = None) -> Model:
    """The model after FULL_QUANT."""
    quant = load_config(config).quant()
    return convert(model, ConvertOptions(quant=quant), progress=progress).model


def unquantized(model: Path = LENET) -> Model:
    return convert(model, ConvertOptions()).model
