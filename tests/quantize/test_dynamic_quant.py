"""DYNAMIC_QUANT: int8 weights, and activations whose scale is found at every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.api import convert
from converter.errors import ConversionError
from converter.ir import DType, Model
from converter.mslite.reader import parse_model
from converter.mslite.writer import lay_out
from converter.options import ConvertOptions, QuantOptions
from converter.quantize.arithmetic import SYMMETRIC, scale_of
from converter.quantize.dynamic import QUANT_DYNAMIC
from converter.reference import Session

ZOO = Path(__file__).resolve().parents[1] / "zoo" / "data" / "ms200"
LENET, EMBEDDING, ENCODER = (
    ZOO / f"{name}.mindir" for name in ("lenet_infer", "layer_embedding_infer", "encoder_infer")
)
DYNAMIC = QuantOptions(quant_type="DYNAMIC_QUANT")
BY_ROWS = QuantOptions(quant_type="DYNAMIC_QUANT", dynamic_strategy="ACWL")


def quantized(model: Path, options: QuantOptions = DYNAMIC) -> Model:
    """As the file holds it."""
    layout = convert(model, ConvertOptions(quant=options)).layout
    return parse_model(b"".join(bytes(chunk) for chunk in layout.chunks()), "dynamic.ms")


def outputs(model: Model, recorded: Path) -> np.ndarray[Any, np.dtype[Any]]:
    with np.load(recorded.with_suffix(".npz")) as arrays:
        image = arrays["in0"]
    inputs = image.transpose(0, 2, 3, 1) if image.ndim == 4 else image
    return np.concatenate([array.reshape(-1) for array in Session(model).infer([inputs]).values()])


@pytest.mark.parametrize("options", [DYNAMIC, BY_ROWS], ids=["ALWC", "ACWL"])
@pytest.mark.parametrize("model", [LENET, EMBEDDING, ENCODER], ids=lambda path: path.stem)
def test_outputs_stay_close_to_float(model: Path, options: QuantOptions) -> None:
    expected = outputs(convert(model, ConvertOptions()).model, model)
    found = outputs(quantized(model, options), model)
    assert 0 < np.linalg.norm(found - expected) / np.linalg.norm(expected) < 0.05


def test_weights_are_symmetric_per_output_channel() -> None:
    plain = {value.name: value.const for value in convert(LENET, ConvertOptions()).model.main.constants()}
    products = [node for node in quantized(LENET).main.nodes if node.op == "MatMulFusion"]
    assert len(products) == 3
    for node in products:
        weight, before = node.inputs[1], plain[node.inputs[1].name]
        assert before is not None
        assert [param.scale for param in weight.quant] == [
            scale_of(row.min(), row.max(), SYMMETRIC).scale for row in before.array()
        ]
        assert node.quant_type == QUANT_DYNAMIC
        assert node.inputs[0].producer is not None
        assert (node.inputs[0].producer.op, node.inputs[0].producer.quant_type) == ("DynamicQuant", QUANT_DYNAMIC)
        assert node.inputs[0].type.dtype is DType.INT8
        assert node.outputs[0].type.dtype is DType.FLOAT32


def test_the_reverse_strategy_has_one_scale_per_weight_and_one_per_row() -> None:
    for node in quantized(LENET, BY_ROWS).main.nodes:
        if node.op == "MatMulFusion":
            assert len(node.inputs[1].quant) == 1
        if node.op == "DynamicQuant":
            names = ("symmetric", "activation_channel", "prefer_axis", "transpose")
            assert [node.attrs[name] for name in names] == [True, True, -2, False]


def test_products_that_read_the_same_activation_share_its_levels() -> None:
    graph = quantized(ENCODER).main
    sources = [node.inputs[0].name for node in graph.nodes if node.op == "DynamicQuant"]
    assert len(sources) == len(set(sources))
    assert any(len(node.outputs[0].users) > 1 for node in graph.nodes if node.op == "DynamicQuant")


def test_embeddings_are_stored_in_int8() -> None:
    (gather,) = (node for node in quantized(EMBEDDING).main.nodes if node.op == "Gather")
    assert gather.inputs[0].type.dtype is DType.INT8
    assert len(gather.inputs[0].quant) == gather.inputs[0].type.shape[0]  # type: ignore[index] # a table has a shape


def test_skipped_products_stay_float() -> None:
    name = next(node.name for node in convert(LENET, ConvertOptions()).model.main.nodes if node.op == "MatMulFusion")
    options = QuantOptions(quant_type="DYNAMIC_QUANT", skip_quant_node=(name,))
    graph = quantized(LENET, options).main
    assert [node.inputs[1].type.dtype for node in graph.nodes if node.op == "MatMulFusion"] == [
        DType.FLOAT32,
        DType.INT8,
        DType.INT8,
    ]


@pytest.mark.parametrize("kind", ["DYNAMIC_QUANT", "FULL_QUANT"])
def test_training_models_are_refused(kind: str) -> None:
    options = ConvertOptions(train=True, quant=QuantOptions(quant_type=kind))
    with pytest.raises(ConversionError) as caught:
        convert(ZOO / "lenet_momentum_sparse.mindir", options)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message, problem.hint) == (
        "E401",
        f"quant_type={kind} is for inference: training kernels compute in float",
        "use quant_type=WEIGHT_QUANT, or --trainModel=false",
    )


def test_a_model_without_products_says_that_nothing_was_quantized() -> None:
    model = convert(ZOO / "layer_softmax_infer.mindir", ConvertOptions(quant=DYNAMIC)).model
    has_products = any(node.op in ("MatMulFusion", "Gather") for node in model.main.nodes)
    said = [note.message for note in model.notes if note.kind == "warning"]
    assert has_products or said == ["no product of matrices and no embedding: nothing was quantized"]
    assert lay_out(model).size
