"""Accuracy of quantized digit classifiers, ours and the official converter's: `python tests/oracle/digits_table.py`.

Each file runs in the official runtime, or, where that refuses it, in our interpreter (marked with *). The table goes
between the marks of docs/quantization.md.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from official import OracleError, convert, describe, oracle_folder, predict
from ours import ROOT, convert_ours

from converter.mslite.reader import read_model
from converter.reference import Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = ROOT / "tests" / "quantize" / "data"
PAGE = ROOT / "docs" / "quantization.md"
MARKS = ("<!-- digits -->", "<!-- end of digits -->")
BATCH, TESTED, SAMPLES = 60, 360, 12
ALL = "min_quant_weight_channel=0\n"
FULL = (
    "[data_preprocess_param]\ncalibrate_path={input}:samples\ncalibrate_size=12\ninput_type=BIN\n[full_quant_param]\n"
)
MODES = {
    "float": "",
    "8 bits": f"quant_type=WEIGHT_QUANT\nbit_num=8\n{ALL}",
    "4 bits": f"quant_type=WEIGHT_QUANT\nbit_num=4\n{ALL}",
    "mixed": f"quant_type=WEIGHT_QUANT\nbit_num=0\n{ALL}",
    "dynamic": "quant_type=DYNAMIC_QUANT\n",
    "full, MAX_MIN": f"quant_type=FULL_QUANT\n{FULL}activation_quant_method=MAX_MIN\n",
    "full, KL": f"quant_type=FULL_QUANT\n{FULL}activation_quant_method=KL\n",
    "full, REMOVAL_OUTLIER": f"quant_type=FULL_QUANT\n{FULL}activation_quant_method=REMOVAL_OUTLIER\n",
}


@dataclass(frozen=True)
class Result:
    """Right answers, bytes of the file, relative change of the outputs, and whether our interpreter had to run it."""

    right: int
    size: int
    change: float
    is_interpreted: bool

    @property
    def cells(self) -> tuple[str, str, str]:
        mark = " *" if self.is_interpreted else ""
        return f"{100 * self.right / TESTED:.2f} %{mark}", f"{self.size:,}", f"{100 * self.change:.2f} %"


def digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Images, channels last, and labels; the first TESTED were not trained on."""
    with np.load(DATA / "digits.npz") as found:
        images = found["levels"].astype(np.float32).reshape(-1, 8, 8, 1) / 16
        return images, found["labels"].astype(np.int64)


def answers(oracle: Path, model: Path, images: NDArray[np.float32]) -> tuple[NDArray[Any], bool]:
    """Scores of all images, and whether the official runtime refused the file."""
    batches = [images[start : start + BATCH] for start in range(0, TESTED, BATCH)]
    try:
        found = [next(iter(predict(oracle, model, {"in0": batch}).values())) for batch in batches]
    except OracleError:
        session = Session(read_model(model))
        found = [next(iter(session.infer([batch]).values())) for batch in batches]
        return np.concatenate(found), True
    return np.concatenate(found), False


def results(oracle: Path, folder: Path) -> dict[str, tuple[Result, Result | None]]:
    """Ours and the official result by mode; None where the official converter fails."""
    images, labels = digits()
    model, plain = DATA / "digits.mindir", folder / "plain.ms"
    convert(oracle, model, plain, is_training=False)
    name = describe(oracle, plain)[0].name
    expected, _ = answers(oracle, plain, images)
    (folder / "samples").mkdir()
    for index in range(SAMPLES):
        start = TESTED + index * BATCH
        images[start : start + BATCH].tofile(folder / "samples" / f"{index:02d}.bin")
    table: dict[str, tuple[Result, Result | None]] = {}
    for mode, text in MODES.items():
        config = folder / "mode.cfg"
        settings = text.format(input=name).replace("samples", str(folder / "samples"))
        config.write_text(f"[common_quant_param]\n{settings}" if text else "# float\n", encoding="utf-8")

        def judged(file: Path) -> Result:
            scores, is_interpreted = answers(oracle, file, images)
            right = int((scores.argmax(axis=1) == labels[:TESTED]).sum())
            change = float(np.linalg.norm(scores - expected) / np.linalg.norm(expected))
            return Result(right, file.stat().st_size, change, is_interpreted)

        ours, official = folder / "ours.ms", folder / "official.ms"
        done = convert_ours(model, ours, is_training=False, config=config)
        if done.returncode:
            raise OracleError(done.stderr)
        made = convert(oracle, model, official, is_training=False, config=config).status == 0
        table[mode] = judged(ours), judged(official) if made else None
    return table


def page_text(table: dict[str, tuple[Result, Result | None]]) -> str:
    """The table in Markdown."""
    head = ("mode", "ours: right", "bytes", "change of scores", "official: right", "bytes", "change of scores")
    lines = ["| " + " | ".join(head) + " |", "| -- |" + " --: |" * 6]
    for mode, (ours, official) in table.items():
        other = ("fails", "", "") if official is None else official.cells
        lines.append("| " + " | ".join((mode, *ours.cells, *other)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the table into the page."""
    oracle = oracle_folder()
    with tempfile.TemporaryDirectory() as folder:
        text = page_text(results(oracle, Path(folder)))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
