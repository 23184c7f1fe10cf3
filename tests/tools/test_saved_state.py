"""`mslite train --save-weights` against MindSpore: names, shapes and numbers of weights and slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.zoo import Recording

from converter.api import convert_file
from converter.options import ConvertOptions
from converter.tools import main

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 10


@pytest.mark.parametrize("case", ["lenet_sgd_sparse", "lenet_momentum_onehot", "lenet_adam_mse"])
@pytest.mark.parametrize("version", ["ms200", "ms270"])
def test_saved_weights_and_slots_are_mindspores(tmp_path: Path, version: str, case: str) -> None:
    recording = Recording(version, case)
    model, weights = tmp_path / "net.ms", tmp_path / "weights.npz"
    convert_file(recording.model, model, ConvertOptions(train=True))
    data = recording.model.with_suffix(".npz")
    arguments = ["train", str(model), "--data", str(data), "--steps", str(STEPS), "--save-weights", str(weights)]
    assert main(arguments) == 0
    with np.load(weights) as archive:
        saved = {name: archive[name] for name in archive.files}
    # MindSpore 2.0 never reads its global_step with a constant rate, so it is not in the file.
    expected = {name: array for name, array in recording.final.items() if name in saved or name != "global_step"}
    assert expected.keys() <= saved.keys()
    for name, array in expected.items():
        assert saved[name].shape == array.shape
        np.testing.assert_allclose(saved[name], array, rtol=0, atol=1e-4 * max(float(np.abs(array).max()), 1e-3))
