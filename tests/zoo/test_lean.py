"""Graphs are lean: nothing is computed twice, undone by its neighbor, or for nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from converter.api import convert
from converter.ops.lite_ops import LITE_OPS
from converter.options import ConvertOptions
from converter.passes.fold.equal_nodes import merge_equal_nodes

if TYPE_CHECKING:
    from converter.ir import Model

DATA = Path(__file__).resolve().parent / "data"
TRAINING = (
    *("encoder", "nin", "yolo", "vae", "transfer_joined", "bilstm2_classifier", "layer_groupnorm", "layer_gru"),
    *("opt_lamb", "opt_asgd", "opt_lr_cosine", "step_loop", "step_clip_global_norm", "lenet_momentum_sparse"),
)


@pytest.fixture(scope="module", params=[f"{version}/{case}" for version in ("ms200", "ms270") for case in TRAINING])
def model(request: pytest.FixtureRequest) -> Model:
    return convert(DATA / f"{request.param}.mindir", ConvertOptions(train=True)).model


def test_no_transpose_is_undone_by_its_neighbor(model: Model) -> None:
    for node in model.main.nodes:
        before = node.inputs[0].producer if node.op == "Transpose" else None
        assert before is None or before.op != "Transpose", node.name


def test_every_result_is_read(model: Model) -> None:
    outputs = set(map(id, model.main.outputs))
    for node in model.main.nodes:
        is_read = any(value.users or id(value) in outputs for value in node.outputs)
        assert is_read or LITE_OPS[node.op].writes, node.name


def test_nothing_is_computed_twice(model: Model) -> None:
    assert not merge_equal_nodes(model)
