"""WEIGHT_QUANT with bit_num=0: weights coded by entropy, at the change that was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.api import convert
from converter.config import parse_config
from converter.errors import ConversionError
from converter.ir import DType, Model
from converter.mslite.reader import parse_model
from converter.mslite.writer import lay_out
from converter.ops.encoding import EncodedTensor, Encoding
from converter.ops.lite_ops import OPTIMIZERS
from converter.options import ConvertOptions, QuantOptions

ZOO = Path(__file__).resolve().parents[1] / "zoo" / "data" / "ms200"
LENET, TRAINING = ZOO / "lenet_infer.mindir", ZOO / "lenet_momentum_sparse.mindir"
MIXED = QuantOptions(bit_num=0, min_quant_weight_channel=0)


def coded(model: Model) -> dict[str, EncodedTensor]:
    return {value.name: value.const for value in model.main.constants() if isinstance(value.const, EncodedTensor)}


@pytest.mark.parametrize("target", [0.005, 0.02, 0.1, 0.5])
def test_weights_change_by_what_was_asked_for(target: float) -> None:
    plain = {value.name: value.const for value in convert(LENET, ConvertOptions()).model.main.constants()}
    found = coded(convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=target))).model)
    assert len(found) >= 3
    for name, weight in found.items():
        before = plain[name]
        assert before is not None
        change = np.linalg.norm(weight.array() - before.array()) / np.linalg.norm(before.array())
        assert 0.75 * target < change <= 1.02 * target
        assert weight.encoding is Encoding.FSE
        assert weight.dtype is DType.FLOAT32


def test_files_shrink_as_the_weights_get_coarser_and_survive() -> None:
    sizes = []
    for target in (0.005, 0.02, 0.1, 0.5):
        layout = convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=target))).layout
        sizes.append(layout.size)
        again = parse_model(b"".join(bytes(chunk) for chunk in layout.chunks()), "mixed.ms")
        assert lay_out(again).size == layout.size
        model = convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=target))).model
        for name, weight in coded(again).items():
            np.testing.assert_array_equal(weight.array(), coded(model)[name].array())
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] < convert(LENET, ConvertOptions(quant=replace(MIXED, bit_num=8))).layout.size


def test_a_weight_that_would_not_shrink_stays_as_it_is() -> None:
    found = coded(convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=0.001))).model)
    assert "conv1.weight" not in found


def test_what_optimizers_keep_stays_float() -> None:
    model = convert(TRAINING, ConvertOptions(train=True, quant=MIXED)).model
    assert coded(model)
    for node in model.main.nodes:
        if node.op in OPTIMIZERS:
            assert not any(isinstance(value.const, EncodedTensor) for value in node.inputs[1:])


def test_tuning_takes_the_coarsest_weights_that_keep_the_answers() -> None:
    fixed = convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=0.002))).layout.size
    tuned = convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=0.002, auto_tune=True))).layout.size
    assert tuned < fixed
    coarse = convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=0.3))).layout.size
    careful = convert(LENET, ConvertOptions(quant=replace(MIXED, init_scale=0.3, auto_tune=True))).layout.size
    assert careful > coarse


def test_settings_are_read_only_with_mixed_bits() -> None:
    text = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num={}\n[mixed_bit_weight_quant_param]\n"
    details = "init_scale=0.1\nauto_tune=true\nmax_iterations=41\n"
    mixed = parse_config(text.format(0) + details, Path("q.cfg")).quant()
    assert mixed == QuantOptions(bit_num=0, init_scale=0.1, auto_tune=True, max_iterations=41)
    assert parse_config(text.format(8) + details, Path("q.cfg")).quant() == QuantOptions()


def test_weights_that_are_not_finite_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converter.quantize.mixed.np.isfinite", lambda numbers: np.zeros(numbers.shape, bool))
    with pytest.raises(ConversionError) as caught:
        convert(LENET, ConvertOptions(quant=MIXED))
    assert {problem.code for problem in caught.value.problems} == {"E401"}
    assert len(caught.value.problems) == 5
