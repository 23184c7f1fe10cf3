"""A network that was trained on scikit-learn's digits (export_digits.py): it answers and trains on when quantized."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from converter.api import convert
from converter.mslite.reader import parse_model
from converter.options import CalibrationOptions, ConvertOptions, QuantOptions
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model

    Array = np.ndarray[Any, np.dtype[Any]]

DATA = Path(__file__).resolve().parent / "data"
BATCH, TESTED, SAMPLES = 60, 360, 4
PLAIN = 355  # right answers of the float model
MODES = {
    "8 bits": QuantOptions(min_quant_weight_channel=0),
    "4 bits": QuantOptions(bit_num=4, min_quant_weight_channel=0),
    "mixed": QuantOptions(bit_num=0, min_quant_weight_channel=0),
    "dynamic": QuantOptions(quant_type="DYNAMIC_QUANT"),
    "full, MAX_MIN": QuantOptions(quant_type="FULL_QUANT"),
    "full, KL": QuantOptions(quant_type="FULL_QUANT", activation_method="KL"),
    "full, REMOVAL_OUTLIER": QuantOptions(quant_type="FULL_QUANT", activation_method="REMOVAL_OUTLIER"),
}


@pytest.fixture(scope="module")
def digits() -> tuple[Array, Array]:
    """Images, channels last, and labels; the first TESTED were not trained on."""
    with np.load(DATA / "digits.npz") as found:
        return found["levels"].astype(np.float32).reshape(-1, 8, 8, 1) / 16, found["labels"].astype(np.int32)


def as_in_the_file(name: str, options: ConvertOptions) -> Model:
    layout = convert(DATA / f"{name}.mindir", options).layout
    return parse_model(b"".join(bytes(chunk) for chunk in layout.chunks()), f"{name}.ms")


def right_answers(model: Model, images: Array, labels: Array) -> int:
    session, right = Session(model), 0
    for start in range(0, TESTED, BATCH):
        (scores,) = session.infer([images[start : start + BATCH]]).values()
        right += int((scores.argmax(axis=1) == labels[start : start + BATCH]).sum())
    return right


@pytest.mark.parametrize("mode", MODES)
def test_quantized_networks_answer_as_well(mode: str, digits: tuple[Array, Array], tmp_path: Path) -> None:
    images, labels = digits
    for index in range(SAMPLES):
        start = TESTED + index * BATCH
        images[start : start + BATCH].tofile(tmp_path / f"{index}.bin")
    calibration = CalibrationOptions(directories=(("x", str(tmp_path), ""),), size=SAMPLES)
    options = MODES[mode]
    if options.quant_type == "FULL_QUANT":
        options = QuantOptions(
            quant_type="FULL_QUANT", activation_method=options.activation_method, calibration=calibration
        )
    found = right_answers(as_in_the_file("digits", ConvertOptions(quant=options)), images, labels)
    assert abs(found - PLAIN) <= 2


def test_a_network_with_quantized_weights_trains_to_the_loss_of_the_float_one(digits: tuple[Array, Array]) -> None:
    images, labels = digits
    losses = []
    for quant in (None, QuantOptions(min_quant_weight_channel=0)):
        session = Session(as_in_the_file("digits_train", ConvertOptions(train=True, quant=quant)))
        order = [slice(TESTED + i * BATCH, TESTED + (i + 1) * BATCH) for i in range(20)] * 2
        steps = [session.step({"in0": images[part], "in1": labels[part]}).losses[0] for part in order]
        losses.append(float(np.mean(steps[-20:])))
        assert losses[-1] < steps[0] / 4
    plain, quantized = losses
    assert quantized < 1.02 * plain
