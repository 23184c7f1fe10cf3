"""What a quantization says about itself: per tensor, per layer, in bytes, and in the official CSV files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from calibrated import LENET, write_config, write_samples

from converter.api import ConversionResult, convert
from converter.config import load_config
from converter.options import ConvertOptions, QuantOptions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_samples(tmp_path / "samples", 3)
    return tmp_path


def converted(config: Path) -> ConversionResult:
    return convert(LENET, ConvertOptions(quant=load_config(config).quant()))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_full_quantization_judges_weights_and_activations(folder: Path) -> None:
    report = converted(write_config(folder)).report.quantization
    assert report is not None
    computing = [name for name, _ in report.cosines]
    assert len(computing) >= 5
    assert all(0.99 < cosine <= 1 for _, cosine in report.cosines)
    assert all(0 <= tensor.error < 0.15 for tensor in report.tensors)
    assert all(0 <= tensor.saturation < 0.01 for tensor in report.tensors)
    weights = [tensor for tensor in report.tensors if tensor.scales > 1 and tensor.bits == 8]
    assert {tensor.node for tensor in weights} <= set(computing)
    assert report.bytes_after < report.bytes_before / 3
    assert {reason for _, reason in report.floats} == {"runs in float32"}


def test_trimmed_ranges_show_as_saturation(folder: Path) -> None:
    write_samples(folder / "samples", 3, seed=5)
    report = converted(write_config(folder, full="activation_quant_method=REMOVAL_OUTLIER")).report.quantization
    assert report is not None
    assert any(tensor.saturation > 0 for tensor in report.tensors)


@pytest.mark.parametrize("bits", [2, 4, 8, 12, 16])
def test_weights_get_closer_with_more_bits(bits: int) -> None:
    options = ConvertOptions(quant=QuantOptions(bit_num=bits, min_quant_weight_channel=0))
    report = convert(LENET, options).report.quantization
    assert report is not None
    assert len(report.tensors) == 5
    assert {tensor.bits for tensor in report.tensors} == {bits}
    assert all(tensor.low < 0 < tensor.high for tensor in report.tensors)
    assert max(tensor.error for tensor in report.tensors) < 2.0 ** (1 - bits) * 1.25
    assert report.bytes_after < report.bytes_before * (bits + 1) / 32 + 1024


def test_the_report_is_json() -> None:
    found = convert(LENET, ConvertOptions(quant=QuantOptions())).report.json()["quantization"]
    assert found["kind"] == "WEIGHT_QUANT"
    assert set(found["tensors"][0]) == {"node", "name", "bits", "scales", "low", "high", "saturation", "error"}
    assert convert(LENET, ConvertOptions()).report.json()["quantization"] is None


def test_debug_files_have_the_official_columns(folder: Path) -> None:
    model = converted(write_config(folder, common=f"debug_info_save_path={folder / 'debug'}")).model
    assert sorted(path.name for path in (folder / "debug").iterdir()) == [
        "output_summary.csv",
        "quant_param.csv",
        "round_0.csv",
        "round_1.csv",
        "round_2.csv",
    ]
    parameters = rows(folder / "debug" / "quant_param.csv")
    assert list(parameters[0]) == [
        *("NodeName", "NodeType", "TensorName", "ElementsNum", "Dims", "Scale", "ZeroPoint", "Bits"),
        *("CorrectionVar", "CorrectionMean", ""),
    ]
    assert float(parameters[0]["Scale"]) == pytest.approx(model.main.inputs[0].quant[0].scale, rel=1e-5)
    round_rows = rows(folder / "debug" / "round_0.csv")
    assert [row["DataTypeFlag"] for row in round_rows[:2]] == ["Origin", "Dequant"]
    assert all(0.98 < float(row["CosineSimilarity"]) <= 1 for row in round_rows)
    assert all(np.isfinite(float(row[key])) for row in round_rows for key in ("Min", "Q1", "Mean", "Var", "Sparsity"))
    summary = rows(folder / "debug" / "output_summary.csv")
    assert [row["TensorName"] for row in summary] == [model.main.outputs[0].name] * 3


def test_debug_files_of_other_kinds_hold_scales_only(tmp_path: Path) -> None:
    config = tmp_path / "weights.cfg"
    config.write_text(
        f"[common_quant_param]\nquant_type=WEIGHT_QUANT\ndebug_info_save_path={tmp_path / 'debug'}\n", encoding="utf-8"
    )
    converted(config)
    assert [path.name for path in (tmp_path / "debug").iterdir()] == ["quant_param.csv"]
