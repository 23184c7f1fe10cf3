"""Control flow on data and dimensions that are known only when a model runs: each run gives MindSpore's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from converter.api import convert_file
from converter.ir import Layout
from converter.mslite.reader import read_model
from converter.options import ConvertOptions
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model

    Array = np.ndarray[Any, np.dtype[Any]]

MODELS = sorted(Path(__file__).resolve().parent.glob("flow/*/*.mindir"))
BOUND = 1e-5


def label(model: Path) -> str:
    return f"{model.parent.name}-{model.stem}"


def runs(model: Path) -> list[tuple[list[Array], list[Array]]]:
    """Inputs and outputs of each recorded run."""
    with np.load(model.with_suffix(".npz")) as recorded:
        count = len({name.partition("/")[0] for name in recorded.files})
        return [
            tuple(
                [recorded[f"run{run}/{role}{i}"] for i in range(10) if f"run{run}/{role}{i}" in recorded.files]
                for role in ("in", "out")
            )
            for run in range(count)
        ]


def fed(model: Model, arrays: list[Array]) -> list[Array]:
    """Inputs in the layout that the converted model takes."""
    pairs = zip(model.main.inputs, arrays, strict=True)
    return [array.transpose(0, 2, 3, 1) if value.layout is Layout.NHWC else array for value, array in pairs]


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_run_gives_mindspores_numbers(model: Path, tmp_path: Path) -> None:
    convert_file(model, tmp_path / "net.ms", ConvertOptions(train=False))
    converted = read_model(tmp_path / "net.ms")
    for inputs, expected in runs(model):
        found = Session(converted).infer(fed(converted, inputs)).values()
        for result, wanted in zip(found, expected, strict=True):
            assert result.shape == wanted.shape
            np.testing.assert_allclose(result, wanted, rtol=BOUND, atol=BOUND * np.abs(wanted).max())


def test_several_versions_were_recorded() -> None:
    assert {model.parent.name for model in MODELS} == {"ms200", "ms270", "ms2100"}
    assert len(MODELS) > 2 * 12


def test_a_loop_over_images_keeps_them_channels_last(tmp_path: Path) -> None:
    """The one Transpose is that of the result."""
    model = next(model for model in MODELS if model.stem == "flow_images")
    convert_file(model, tmp_path / "net.ms", ConvertOptions(train=False))
    graphs = read_model(tmp_path / "net.ms").graphs
    assert [node.op for graph in graphs for node in graph.nodes].count("Transpose") == 1
