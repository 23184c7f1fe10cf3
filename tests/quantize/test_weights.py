"""WEIGHT_QUANT with 8 bits against what the official converter 2.0.0 wrote for the same files (recorded in data/)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.api import convert
from converter.config import parse_config
from converter.ir import Layout, Value
from converter.ops.encoding import EncodedTensor
from converter.options import ConvertOptions
from converter.passes.layout.channels_last import TO_NCHW

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).resolve().parent / "data"
RECORDS = json.loads((DATA / "lenet.json").read_text(encoding="utf-8"))
ARRAYS = np.load(DATA / "lenet.npz")
CASES = [(model, config) for model, record in RECORDS.items() for config in record["configs"]]
QUANT_WEIGHT = 4
# What optimizers keep is quantized by the official converter and not by ours.
SLOTS = ("moments.", "moment1.", "moment2.", "accum.", "stat.")
OPTIMIZERS = ("Adam", "ApplyMomentum", "SGD")


def stored_bytes(value: Value) -> bytes:
    assert value.const is not None
    return b"".join(bytes(chunk) for chunk in value.const.chunks())


def assert_same(value: Value, expected: dict[str, Any]) -> None:
    assert value.const is not None
    np.testing.assert_array_equal([param.scale for param in value.quant], ARRAYS[expected["scale"]])
    np.testing.assert_array_equal([param.zero_point for param in value.quant], ARRAYS[expected["zero_point"]])
    np.testing.assert_array_equal(np.float32([p.var_corr for p in value.quant]), ARRAYS[expected["var_corr"]])
    np.testing.assert_array_equal(np.float32([p.mean_corr for p in value.quant]), ARRAYS[expected["mean_corr"]])
    encoding = int(value.const.encoding) if isinstance(value.const, EncodedTensor) else 0
    assert encoding == expected["compression"]
    assert stored_bytes(value) == ARRAYS[expected["data"]].tobytes()
    # Slots of convolution kernels keep MindIR's axes in official files; ours move with their weight.
    shape = value.type.shape or ()
    dims = (
        tuple(shape[axis] for axis in TO_NCHW) if value.layout is Layout.KHWC and len(shape) == len(TO_NCHW) else shape
    )
    assert tuple(expected["dims"]) in (shape, dims)


@pytest.mark.parametrize(("model", "config"), CASES, ids=lambda part: str(part))
def test_lenet_weights_have_the_official_bytes(model: str, config: str) -> None:
    record = RECORDS[model]
    expected = record["configs"][config]
    quant = parse_config(expected["config"], Path("quant.cfg")).quant()
    options = ConvertOptions(train="infer" not in model, quant=quant)
    converted = convert(ROOT / record["model"], options).model.main
    found = {value.name: value for value in converted.constants() if value.quant}
    tensors = {name: tensor for name, tensor in expected["tensors"].items() if not name.startswith(SLOTS)}
    assert sorted(found) == sorted(tensors)
    for name, tensor in tensors.items():
        assert_same(found[name], tensor)
    marked = {n.name for n in converted.nodes if n.quant_type == QUANT_WEIGHT and n.op not in OPTIMIZERS}
    # The official file also marks optimizers for their slots, and the dead transposes that it leaves behind.
    assert marked == {name for name in expected["quantized_nodes"] if not _is_left_out(name)}


def _is_left_out(name: str) -> bool:
    return name.endswith("_post_perm") or name.split("/")[-1].split("-op")[0] in OPTIMIZERS
