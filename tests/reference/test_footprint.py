"""RAM of a model and its labels, as the report of a conversion tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.zoo import ROOT

from converter import api
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from pathlib import Path

    from converter.report import Report

ZOO = ROOT / "tests" / "zoo" / "data" / "ms200"


def _report(name: str, *, train: bool = False) -> Report:
    return api.convert(ZOO / f"{name}.mindir", ConvertOptions(train=train)).report


def test_label_of_a_trainable_model_is_what_prediction_does_not_read() -> None:
    assert _report("step_tied", train=True).labels == ("inputs1",)


def test_model_for_inference_has_no_labels_and_no_training() -> None:
    report = _report("two_outputs_infer")
    assert report.labels == ()
    assert report.memory is not None
    assert report.memory.training is None
    # One input of 3 x 11 floats at least, on top of the constants.
    assert report.memory.inference >= report.memory.constants + 4 * 3 * 11


def test_training_takes_more_than_prediction() -> None:
    memory = _report("opt_momentum", train=True).memory
    assert memory is not None
    assert memory.training is not None
    assert memory.constants < memory.inference < memory.training


@pytest.mark.parametrize("train", [True, False])
def test_file_is_described_as_its_conversion_was(tmp_path: Path, *, train: bool) -> None:
    name = "step_tied" if train else "two_outputs_infer"
    made = tmp_path / "net.ms"
    report = api.convert_file(ZOO / f"{name}.mindir", made, ConvertOptions(train=train))
    described = api.describe_file(made)
    assert (described.inputs, described.outputs) == (report.inputs, report.outputs)
    assert (described.labels, described.memory) == (report.labels, report.memory)
    assert (described.nodes, described.size) == (report.nodes, made.stat().st_size)
