"""`--infer=true`: one run on random inputs."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import INT, lite, model, numbered, value
from support.zoo import LENET_INFERENCE

from converter.api import convert
from converter.errors import ConversionError
from converter.ir import Note
from converter.options import ConvertOptions
from converter.reference.trial import try_once


def test_a_model_that_runs() -> None:
    x = value("x", 2, 3)
    assert try_once(model([lite("Abs", [x], name="abs")], [x], [])) == [
        Note("infer", "the model was run once on random inputs: 0 outputs")
    ]


def test_integers_are_valid_rows_of_a_table() -> None:
    table, index = numbered("table", np.ones((2, 5), np.float32)), value("i", 7, dtype=INT)
    rows = value("rows", 7, 5)
    gather = lite("Gather", [table, index, numbered("axis", np.zeros(1, np.int32))], [rows], "gather")
    assert [note.kind for note in try_once(model([gather], [index], [rows]))] == ["infer"]


def test_numbers_that_are_not_finite_are_a_warning() -> None:
    x = value("x", 2, 3)
    root = lite("Sqrt", [x], name="root")
    assert try_once(model([root], [x], root.outputs))[0] == Note(
        "warning", "the output 'root' is not finite on random inputs"
    )


def test_a_model_that_does_not_run_is_refused() -> None:
    x = value("x", 2, 3)
    wrong = lite("Reshape", [x, numbered("shape", np.array([5], np.int32))], [value("y", 5)], "wrong")
    with pytest.raises(ConversionError, match=r"makes \[5\] of \[2, 3\]") as caught:
        try_once(model([wrong], [x], wrong.outputs))
    assert caught.value.problems[0].code == "E602"


def test_unknown_shapes_are_not_run() -> None:
    x = value("x", -1, 3)
    node = lite("Abs", [x], name="abs")
    assert try_once(model([node], [x], node.outputs)) == [
        Note("warning", "the model was not run: the shape of its input 'x' is not known")
    ]


def test_a_training_model_is_not_run() -> None:
    x, weight = value("x", 2, 3), numbered("w", np.ones((2, 3), np.float32))
    node = lite("Assign", [weight, x], [value("done", 1)], "assign")
    assert try_once(model([node], [x], node.outputs)) == [
        Note("warning", "the model was not run: --infer is for models that do not train")
    ]


@pytest.mark.parametrize("fp16", [False, True])
def test_the_conversion_runs_the_model_as_it_is_written(fp16: bool) -> None:
    report = convert(LENET_INFERENCE.model, ConvertOptions(infer=True, fp16=fp16)).report
    assert ("infer", "the model was run once on random inputs: 1 outputs", None) in report.notes
