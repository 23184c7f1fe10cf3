"""8-bit WEIGHT_QUANT against what the official converter 2.0.0 wrote for the same files (recorded in data/)."""

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
    assert sorted(found) == sorted(expected["tensors"])
    for name, tensor in expected["tensors"].items():
        assert_same(found[name], tensor)
    marked = {node.name for node in converted.nodes if node.quant_type == QUANT_WEIGHT}
    # The official file also marks the dead transposes that it leaves behind.
    assert marked == {name for name in expected["quantized_nodes"] if not name.endswith("_post_perm")}
