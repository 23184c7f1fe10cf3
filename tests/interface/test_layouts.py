"""`--inputDataFormat` and `--outputDataFormat`: other axes at the borders, the same numbers, the fewest transposes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.zoo import LENET, LENET_INFERENCE, ROOT

from converter.api import convert
from converter.ir import Layout
from converter.ops.layouts import TO_NCHW, TO_NHWC
from converter.options import ConvertOptions
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model

    Array = np.ndarray[Any, np.dtype[Any]]

LAYOUTS = ("NCHW", "NHWC")


DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Images:
    """A network of two images that has image outputs of every making."""

    version: str

    @property
    def model(self) -> Path:
        return DATA / self.version / "images.mindir"

    def arrays(self, prefix: str) -> list[Array]:
        with np.load(self.model.with_suffix(".npz")) as file:
            return [file[name] for name in file.files if name.startswith(prefix)]


OLD, NEW = Images("ms200"), Images("ms270")


def model(path: Path, inputs: str = "NHWC", outputs: str = "NCHW", *, train: bool = False) -> Model:
    return convert(path, ConvertOptions(train=train, input_layout=inputs, output_layout=outputs)).model


def stored(array: Array, layout: str) -> Array:
    """An array of MindSpore in the layout of a file."""
    return array.transpose(TO_NHWC) if array.ndim == 4 and layout == "NHWC" else array


@pytest.mark.parametrize(("inputs", "outputs"), list(product(LAYOUTS, LAYOUTS)), ids="-".join)
@pytest.mark.parametrize("images", [OLD, NEW], ids=lambda each: each.version)
def test_the_numbers_are_mindspores_in_all_layouts(images: Images, inputs: str, outputs: str) -> None:
    session = Session(model(images.model, inputs, outputs))
    found = session.infer([stored(array, inputs) for array in images.arrays("in")]).values()
    for ours, reference in zip(found, images.arrays("out"), strict=True):
        expected = stored(reference, outputs)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_shapes_and_formats_say_what_holds() -> None:
    plain, turned = model(OLD.model).main, model(OLD.model, "NCHW", "NHWC").main
    for value, array in zip(turned.inputs, OLD.arrays("in"), strict=True):
        assert (value.type.shape, value.layout) == (array.shape, Layout.NCHW)
    for value, array in zip(turned.outputs, OLD.arrays("out"), strict=True):
        assert value.type.shape == stored(array, "NHWC").shape
        assert value.layout is (Layout.NHWC if array.ndim == 4 else Layout.NCHW)
    assert [value.name for value in turned.outputs] == [value.name for value in plain.outputs]


def test_the_report_says_what_differs_from_the_mindir() -> None:
    def notes(inputs: str, outputs: str) -> list[str]:
        return [note.message for note in model(OLD.model, inputs, outputs).notes if note.kind == "layout"]

    fed = [
        "input 'x' is fed as NHWC [1, 5, 7, 2], in MindIR it is NCHW",
        "input 'y' is fed as NHWC [1, 5, 7, 3], in MindIR it is NCHW",
    ]
    assert notes("NCHW", "NCHW") == []
    assert notes("NHWC", "NCHW") == fed
    made = notes("NCHW", "NHWC")
    assert len(made) == 5
    assert all(message.startswith("output ") and message.endswith(", in MindIR it is NCHW") for message in made)
    assert made[0].partition(" is ")[2] == "NHWC [1, 5, 7, 3], in MindIR it is NCHW"


def test_images_that_come_and_go_as_the_network_computes_take_the_fewest_transposes() -> None:
    path = ROOT / "tests" / "encryption" / "data" / "ms200" / "plain.mindir"
    counts = {
        layouts: Counter(node.op for node in model(path, *layouts).main.nodes)["Transpose"]
        for layouts in product(LAYOUTS, LAYOUTS)
    }
    expected = {("NCHW", "NCHW"): 2, ("NCHW", "NHWC"): 1, ("NHWC", "NCHW"): 1, ("NHWC", "NHWC"): 0}
    assert counts == expected


def test_inputs_of_other_ranks_stay_as_they_are() -> None:
    for each in (model(LENET_INFERENCE.model), model(LENET_INFERENCE.model, "NCHW", "NHWC")):
        assert each.main.outputs[0].type.shape == LENET_INFERENCE.arrays["out0"].shape


def test_training_models_take_images_in_either_layout() -> None:
    losses = []
    for layout in LAYOUTS:
        session = Session(model(LENET.model, layout, train=True))
        given = [x.transpose(TO_NCHW) if x.ndim == 4 and layout == "NCHW" else x for x in LENET.inputs]
        losses.append([session.step(given).losses[0] for _ in range(3)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0][2] < losses[0][0]
