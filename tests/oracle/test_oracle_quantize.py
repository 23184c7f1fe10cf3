"""Our 8-bit WEIGHT_QUANT stores what the official converter stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ms_file import MsFile, MsTensor, read_ms
from official import convert
from ours import CASES, ZOO, convert_ours
from record_bits import SLOTS
from record_quant import ALL_SIZES, comparable, config_text, is_training, settings_of
from weight_quant_rules import QUANT_WEIGHT, weight_quant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle

MODELS = [
    ZOO / "ms200" / f"lenet_{which}.mindir" for which in ("infer", "momentum_sparse", "sgd_sparse", "adam_sparse")
]
RESUMED = sorted(CASES.glob("resumed_*.mindir"))
CONFIGS = {
    "default": {},
    "all_sizes": ALL_SIZES,
    "usual_sizes": {"min_quant_weight_size": "5000", "min_quant_weight_channel": "5"},
    "not_encoded": {**ALL_SIZES, "enable_encode": "false"},
}


def assert_same_tensor(found: MsTensor, expected: MsTensor) -> None:
    assert found.params == expected.params
    assert (found.data_type, found.dims) == (expected.data_type, expected.dims)
    assert (found.compression, found.data) == (expected.compression, expected.data)


def weights(file: MsFile) -> dict[str, MsTensor]:
    """Quantized tensors without what optimizers keep, which ours never quantizes."""
    return {name: tensor for name, tensor in file.quantized().items() if not name.startswith(SLOTS)}


def marked_nodes(file: MsFile) -> set[str]:
    left_out = ("Transpose", "Adam", "ApplyMomentum", "SGD")
    return {node.name for node in file.nodes if node.quant_type == QUANT_WEIGHT and node.op not in left_out}


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("model", [*MODELS, *RESUMED], ids=lambda model: model.stem)
def test_quantized_tensors_equal_the_official_ones(oracle: Path, tmp_path: Path, model: Path, config: str) -> None:
    written = tmp_path / "quant.cfg"
    written.write_text(config_text(CONFIGS[config]), encoding="utf-8")
    done = convert_ours(model, tmp_path / "ours.ms", is_training=is_training(model), config=written)
    assert done.returncode == 0, done.stdout + done.stderr
    official = tmp_path / "official.ms"
    assert convert(oracle, model, official, is_training=is_training(model), config=written).status == 0
    ours, expected = read_ms(tmp_path / "ours.ms"), read_ms(official)
    assert sorted(weights(ours)) == sorted(weights(expected))
    for name, tensor in weights(expected).items():
        assert_same_tensor(weights(ours)[name], tensor)
    assert marked_nodes(ours) == marked_nodes(expected)


@pytest.mark.parametrize("model", sorted(CASES.glob("*.mindir")), ids=lambda model: model.stem)
def test_the_written_rules_predict_the_official_result(oracle: Path, tmp_path: Path, model: Path) -> None:
    written = tmp_path / "quant.cfg"
    written.write_text(config_text(ALL_SIZES), encoding="utf-8")
    for output, config in (("plain.ms", None), ("quantized.ms", written)):
        assert convert(oracle, model, tmp_path / output, is_training=is_training(model), config=config).status == 0
    predicted = weight_quant(read_ms(tmp_path / "plain.ms"), settings_of(ALL_SIZES))
    assert comparable(predicted) == comparable(read_ms(tmp_path / "quantized.ms"))
