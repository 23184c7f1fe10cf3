"""The 137 compositions that were run on the device: losses of eight steps, then every constant."""

from __future__ import annotations

import numpy as np
import pytest
from recordings import LOSS_TOLERANCE, NAMES, TENSOR_TOLERANCE, difference, folder, step_inputs

from converter.mslite.reader import read_model
from converter.reference import Session


def test_there_are_as_many_recipes_as_the_device_ran() -> None:
    assert len(NAMES["recipes"]) == 137


@pytest.mark.parametrize("name", NAMES["recipes"])
def test_recipe(name: str) -> None:
    with np.load(folder("recipes") / f"{name}.npz") as archive:
        recorded = dict(archive)
    session = Session(read_model(folder("recipes") / f"{name}.ms"))
    inputs = step_inputs(recorded)
    for wanted in recorded["losses"]:
        assert session.step(inputs).losses[0] == pytest.approx(wanted, rel=LOSS_TOLERANCE)
    constants = session.constants()
    for key, wanted in recorded.items():
        if key.startswith("w:"):
            assert difference(constants[key[2:]], wanted) <= TENSOR_TOLERANCE, key
