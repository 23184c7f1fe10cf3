"""WEIGHT_QUANT with every width against what the official converter 2.0.0 stores (data/bits.json: record_bits.py)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.models import stored_bytes

from converter.api import convert
from converter.ir import DType, Value
from converter.mslite.reader import parse_model
from converter.mslite.writer import lay_out
from converter.ops.encoding import EncodedTensor
from converter.ops.lite_ops import OPTIMIZERS
from converter.options import ConvertOptions, QuantOptions
from converter.reference import Session

ROOT = Path(__file__).resolve().parents[2]
RECORDS = json.loads((ROOT / "tests" / "quantize" / "data" / "bits.json").read_text(encoding="utf-8"))
# The runtime refuses the official file's groups; ours has one kernel for all of them, so other weights.
UNGROUPED = "conv_transposed_grouped"
CASES = [(model, int(bits)) for model, record in RECORDS.items() for bits in record if Path(model).stem != UNGROUPED]
ALL = QuantOptions(min_quant_weight_channel=0)
LENET = "tests/zoo/data/ms200/lenet_infer.mindir"
LENET_TRAINING = "tests/zoo/data/ms200/lenet_momentum_sparse.mindir"


def digest(value: Value) -> str:
    compression = int(value.const.encoding) if isinstance(value.const, EncodedTensor) else 0
    found = hashlib.sha256(f"{int(value.type.dtype)} {compression} ".encode() + stored_bytes(value))
    for param in value.quant:
        corrections = (float(np.float32(param.var_corr)), float(np.float32(param.mean_corr)))
        found.update(np.array([param.scale, param.zero_point, param.bits, *corrections], np.float64).tobytes())
    return found.hexdigest()[:16]


def is_training(model: str) -> bool:
    return "train" in model or "momentum" in model


@pytest.mark.parametrize(("model", "bits"), CASES, ids=lambda part: Path(part).stem if isinstance(part, str) else part)
def test_weights_have_the_official_bytes(model: str, bits: int) -> None:
    options = ConvertOptions(train=is_training(model), quant=replace(ALL, bit_num=bits))
    graph = convert(ROOT / model, options).model.main
    found = {value.name: digest(value) for value in graph.constants() if value.quant}
    assert found == RECORDS[model][str(bits)]


@pytest.mark.parametrize("bits", range(1, 17))
def test_every_width_survives_the_file_and_gets_closer_to_float(bits: int) -> None:
    quantized = convert(ROOT / LENET, ConvertOptions(quant=replace(ALL, bit_num=bits))).model
    layout = lay_out(quantized)
    read = parse_model(b"".join(bytes(chunk) for chunk in layout.chunks()), "bits.ms")
    plain = {value.name: value for value in convert(ROOT / LENET, ConvertOptions()).model.main.constants()}
    for value, again in zip(quantized.main.constants(), read.main.constants(), strict=True):
        assert value.const is not None
        assert again.const is not None
        np.testing.assert_array_equal(again.const.array(), value.const.array())
        assert again.quant == value.quant
        if value.quant:
            assert value.type.dtype is (DType.INT8 if bits <= 8 else DType.INT16)
            restored, wanted = Session(read).current(again), plain[value.name].const
            assert wanted is not None
            error = np.linalg.norm(restored - wanted.array()) / np.linalg.norm(wanted.array())
            assert error < 2.0 ** (1 - bits) * 1.4


def test_files_shrink_with_the_width() -> None:
    sizes = [
        convert(ROOT / LENET, ConvertOptions(quant=replace(ALL, bit_num=bits))).layout.size for bits in range(1, 17)
    ]
    assert sizes == sorted(sizes)


def test_what_optimizers_keep_is_never_quantized() -> None:
    graph = convert(ROOT / LENET_TRAINING, ConvertOptions(train=True, quant=ALL)).model.main
    optimizers = [node for node in graph.nodes if node.op in OPTIMIZERS]
    assert optimizers
    assert all(not value.quant for node in optimizers for value in node.inputs[1:])
    assert any(node.inputs[0].quant for node in optimizers)
