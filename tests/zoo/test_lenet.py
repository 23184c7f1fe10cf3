"""The central proof: LeNet-5 exported by MindSpore, converted, and run as the device does, gives MindSpore's numbers.

Every case goes through the file: `convert_file`, then `read_model`, then the reference interpreter. Inputs, losses of
ten steps, final weights and optimizer slots are those that MindSpore itself computed (tests/zoo/export.py). Measured:
losses within 2e-6 relative, outputs within 8e-7, parameters within 3e-6 of their largest element.

One thing is the device's own: SGD's `stat` is a flag for the first step. MindSpore clears all of it; the device looks
at its first element only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.zoo import INFERENCES, LENETS, OTHER_STEPS, SPLIT, Recording, mindir_layout, relative_error

from converter.api import convert_file
from converter.ir import Layout
from converter.mslite.reader import read_model
from converter.options import ConvertOptions
from converter.reference import run, train

if TYPE_CHECKING:
    from pathlib import Path

    from support.zoo import Array

    from converter.ir import Model

STEPS = 10
LOSS_TOLERANCE = 1e-5
WEIGHT_TOLERANCE = 1e-4
OUTPUT_TOLERANCE = 1e-5
SLOTS = {"momentum": ("moments.",), "sgd": ("accum.", "stat."), "adam": ("moment1.", "moment2.")}


def converted(recording: Recording, folder: Path) -> Model:
    target = folder / "lenet.ms"
    convert_file(recording.model, target, ConvertOptions(train=recording.is_training))
    return read_model(target)


@pytest.mark.parametrize("recording", [*LENETS, *OTHER_STEPS, SPLIT], ids=str)
def test_training_lenet_gives_the_losses_and_weights_of_mindspore(recording: Recording, tmp_path: Path) -> None:
    model = converted(recording, tmp_path)
    result = train(model, recording.inputs, STEPS)
    losses = np.array([loss for step in result.losses for loss in step])
    np.testing.assert_allclose(losses, recording.arrays["losses"], rtol=LOSS_TOLERANCE, atol=0)

    values = {value.name: value for value in model.main.constants()}
    found = {name: mindir_layout(values[name], array) for name, array in result.constants.items()}
    errors = {
        name: parameter_error(name, found[name], expected)
        for name, expected in recording.final.items()
        if name in found
    }
    assert {name: error for name, error in errors.items() if error > WEIGHT_TOLERANCE} == {}
    assert {name for name in recording.final if name not in found} <= {"global_step"}


def parameter_error(name: str, found: Array, expected: Array) -> float:
    """Difference to MindSpore relative to the largest element; of a `stat`, what the module's text says."""
    if name.startswith("stat."):
        return float(np.abs(found.flat[0] - expected.flat[0]))
    return relative_error(found, expected)


@pytest.mark.parametrize("recording", INFERENCES, ids=str)
def test_running_lenet_gives_the_output_of_mindspore(recording: Recording, tmp_path: Path) -> None:
    (output,) = run(converted(recording, tmp_path), recording.inputs).values()
    expected = recording.arrays["out0"]
    assert output.shape == expected.shape
    assert np.abs(output - expected).max() <= OUTPUT_TOLERANCE


@pytest.mark.parametrize("recording", LENETS, ids=str)
def test_slots_are_stored_in_the_layout_of_their_weight(recording: Recording, tmp_path: Path) -> None:
    values = {value.name: value for value in converted(recording, tmp_path).main.constants()}
    optimizer = recording.case.split("_")[1]
    for weight in ("conv1.weight", "conv2.weight", "fc1.weight"):
        for prefix in SLOTS[optimizer]:
            slot = values[prefix + weight]
            assert (slot.type, slot.layout) == (values[weight].type, values[weight].layout)
    assert values["conv1.weight"].layout is Layout.KHWC
    assert values["conv1.weight"].type.shape == (6, 5, 5, 1)


def test_split_weights_give_the_file_of_unsplit_weights(tmp_path: Path) -> None:
    """The unsplit model is the split one with its weights put back into the file."""
    from converter._generated.mind_ir_pb2 import ModelProto

    proto = ModelProto.FromString(SPLIT.model.read_bytes())
    for parameter in proto.graph.parameter:
        place = parameter.external_data
        data = (SPLIT.model.parent / place.location).read_bytes()
        parameter.raw_data = data[place.offset : place.offset + place.length]
        parameter.ClearField("external_data")
    whole = tmp_path / "whole.mindir"
    whole.write_bytes(proto.SerializeToString())
    convert_file(SPLIT.model, tmp_path / "split.ms", ConvertOptions(train=True))
    convert_file(whole, tmp_path / "whole.ms", ConvertOptions(train=True))
    assert (tmp_path / "split.ms").read_bytes() == (tmp_path / "whole.ms").read_bytes()
