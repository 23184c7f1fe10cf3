"""Our inference `.ms` in the official runtime gives what MindSpore computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from official import convert, describe, predict
from ours import ZOO, convert_ours

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("version", ["ms200", "ms270"])
def test_lenet_gives_what_mindspore_computed(oracle: Path, tmp_path: Path, version: str) -> None:
    model = ZOO / version / "lenet_infer.mindir"
    done = convert_ours(model, tmp_path / "lenet.ms", is_training=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with np.load(model.with_suffix(".npz")) as recorded:
        images, expected = recorded["in0"], recorded["out0"]
    found = predict(oracle, tmp_path / "lenet.ms", {"in0": images.transpose(0, 2, 3, 1)})
    assert len(found) == 1
    (logits,) = found.values()
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_inputs_and_outputs_are_named_as_officially(oracle: Path, tmp_path: Path) -> None:
    model = ZOO / "ms200" / "lenet_infer.mindir"
    ours, official = tmp_path / "ours.ms", tmp_path / "official.ms"
    assert convert_ours(model, ours, is_training=False).returncode == 0
    assert convert(oracle, model, official, is_training=False).status == 0
    slots = describe(oracle, ours)
    assert slots == describe(oracle, official)
    inputs = {f"in{i}": np.zeros(slot.shape, slot.dtype) for i, slot in enumerate(slots)}
    assert list(predict(oracle, ours, inputs)) == list(predict(oracle, official, inputs))
