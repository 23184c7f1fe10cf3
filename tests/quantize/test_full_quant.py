"""FULL_QUANT: int8 graphs that compute what the float graph computes, from calibration data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from calibrated import INPUT, LENET, SHAPE, quantized, unquantized, write_config, write_samples

from converter.api import convert
from converter.config import load_config
from converter.errors import ConversionError
from converter.ir import DType, Model
from converter.mslite.reader import parse_model
from converter.mslite.writer import lay_out
from converter.options import ConvertOptions
from converter.quantize import calibrate
from converter.quantize.arithmetic import SYMMETRIC, scale_of
from converter.quantize.full import QUANT_ALL
from converter.reference import Session

if TYPE_CHECKING:
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[Any]]

COMPUTES = ("Conv2DFusion", "MatMulFusion")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_samples(tmp_path / "samples", 3)
    return tmp_path


def written(model: Model) -> bytes:
    return b"".join(bytes(chunk) for chunk in lay_out(model).chunks())


def outputs(model: Model, images: Array) -> Array:
    """The only output, of the model as the file holds it."""
    (found,) = Session(parse_model(written(model), "test.ms")).infer({INPUT: images}).values()
    return found


def relative_error(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("method", ["MAX_MIN", "KL", "REMOVAL_OUTLIER"])
@pytest.mark.parametrize("details", ["", "per_channel=false", "bias_correction=false"])
def test_outputs_stay_close_to_float(folder: Path, method: str, details: str) -> None:
    model = quantized(write_config(folder, full=f"activation_quant_method={method}\n{details}"))
    images = np.fromfile(folder / "samples" / "00.bin", np.float32).reshape(SHAPE)
    assert relative_error(outputs(model, images), outputs(unquantized(), images)) < 0.12


def test_convolutions_and_products_compute_in_int8_and_the_interface_stays_float(folder: Path) -> None:
    graph = quantized(write_config(folder)).main
    plain = unquantized().main
    computing = [node for node in graph.nodes if node.op in COMPUTES]
    assert computing
    assert {node.quant_type for node in computing} == {QUANT_ALL}
    for node in computing:
        kinds = [value.type.dtype for value in node.inputs]
        assert kinds == [DType.INT8, DType.INT8, DType.INT32][: len(kinds)]
        assert node.outputs[0].type.dtype is DType.INT8
    for ours, float_side in ((graph.inputs, plain.inputs), (graph.outputs, plain.outputs)):
        assert [(v.name, v.type) for v in ours] == [(v.name, v.type) for v in float_side]


def test_every_border_is_cast_once(folder: Path) -> None:
    graph = quantized(write_config(folder)).main
    casts = [node for node in graph.nodes if node.op == "QuantDTypeCast"]
    sources = [node.inputs[0].name for node in casts]
    assert sorted(set(sources)) == sorted(sources)
    for cast in casts:
        (inner,) = cast.inputs
        (outer,) = cast.outputs
        assert {inner.type.dtype, outer.type.dtype} == {DType.INT8, DType.FLOAT32}
        assert inner.quant == outer.quant
        assert (cast.attrs["src_t"], cast.attrs["dst_t"]) == (int(inner.type.dtype), int(outer.type.dtype))
    names = [value.name for node in graph.nodes for value in node.outputs] + [node.name for node in graph.nodes]
    assert len(set(names[: len(graph.nodes)])) == len(graph.nodes)


def test_weights_are_symmetric_per_channel_and_biases_in_units_of_the_sum(folder: Path) -> None:
    plain = {value.name: value for value in unquantized().main.constants()}
    graph = quantized(write_config(folder, full="bias_correction=false")).main
    for node in graph.nodes:
        if node.op not in COMPUTES:
            continue
        weight, bias = node.inputs[1], node.inputs[2]
        assert plain[weight.name].const is not None
        numbers = np.asarray(plain[weight.name].const.array())  # type: ignore[union-attr] # asserted above
        channels = numbers.reshape(numbers.shape[0], -1)
        scales = [scale_of(row.min(), row.max(), SYMMETRIC).scale for row in channels]
        assert [param.scale for param in weight.quant] == scales
        assert {param.zero_point for param in weight.quant} == {0}
        assert [param.scale for param in bias.quant] == [node.inputs[0].quant[0].scale * scale for scale in scales]
        assert {param.bits for param in bias.quant} == {32}
        assert weight.const is not None
        assert int(np.abs(weight.const.array().astype(int)).max()) == 127


def test_max_min_takes_the_range_of_all_samples(folder: Path) -> None:
    graph = quantized(write_config(folder)).main
    samples = np.stack([np.fromfile(path, np.float32) for path in sorted((folder / "samples").iterdir())])
    (cast,) = (node for node in graph.nodes if node.inputs[0] is graph.inputs[0])
    assert cast.inputs[0].quant == (scale_of(samples.min(), samples.max()),)


def test_only_the_first_samples_count_in_the_order_of_their_names(folder: Path) -> None:
    first = written(quantized(write_config(folder, count=2)))
    (folder / "samples" / "02.bin").write_bytes(b"not a tensor")
    (folder / "samples" / ".hidden").write_bytes(b"not a tensor either")
    assert written(quantized(write_config(folder, count=2))) == first


def test_bytes_do_not_depend_on_the_number_of_cores(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(folder, full="activation_quant_method=REMOVAL_OUTLIER")
    files = []
    for cores in (1, 3):
        monkeypatch.setattr(calibrate.os, "cpu_count", lambda cores=cores: cores)
        files.append(written(quantized(config)))
    assert files[0] == files[1]


def test_skipped_nodes_stay_float_and_say_why(folder: Path) -> None:
    name = next(node.name for node in unquantized().main.nodes if node.op == "Conv2DFusion")
    config = write_config(folder, common=f"skip_quant_node={name}")
    result = convert(LENET, ConvertOptions(quant=load_config(config).quant()))
    node = next(node for node in result.model.main.nodes if node.name == name)
    assert node.quant_type == 0
    assert node.inputs[1].type.dtype is DType.FLOAT32
    assert result.report.quantization is not None
    assert dict(result.report.quantization.floats)[name] == "named by skip_quant_node"


def test_progress_counts_the_samples_of_every_round(folder: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    config = write_config(folder, full="activation_quant_method=KL")
    quantized(config, progress=lambda label, done, total: seen.append((label, done, total)))
    assert seen == [
        (label, done, 3) for label in ("calibrate", "distribution", "correct biases", "compare") for done in (1, 2, 3)
    ]


def test_a_stopped_calibration_goes_on_from_its_workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(folder, common=f"workspace={folder / 'kept'}")
    fresh = written(quantized(write_config(folder)))
    write_config(folder, common=f"workspace={folder / 'kept'}")
    runs: list[str] = []
    visit = calibrate._visit  # noqa: SLF001 - counts the runs

    def counted(*arguments: Any) -> Array:  # noqa: ANN401 - passed on
        if len(runs) == 2:
            message = "stopped"
            raise KeyboardInterrupt(message)
        runs.append("run")
        return visit(*arguments)

    monkeypatch.setattr(calibrate, "_visit", counted)
    monkeypatch.setattr(calibrate.os, "cpu_count", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        quantized(config)
    kept = len(runs)
    monkeypatch.setattr(calibrate, "_visit", lambda *arguments: (runs.append("run"), visit(*arguments))[1])
    assert written(quantized(config)) == fresh
    assert len(runs) - kept < 6
    count = len(runs)
    assert written(quantized(config)) == fresh
    assert len(runs) == count


def test_other_data_or_settings_do_not_find_what_was_kept(folder: Path) -> None:
    def made(full: str = "", seed: int = 3) -> bytes:
        write_samples(folder / "samples", 3, seed=seed)
        config = write_config(folder, common=f"workspace={folder / 'kept'}", full=full)
        with_workspace = written(quantized(config))
        assert with_workspace == written(quantized(write_config(folder, full=full)))
        return with_workspace

    assert len({made(), made("per_channel=false"), made(seed=5), made("activation_quant_method=KL")}) == 4


def test_everything_wrong_with_the_data_is_said_at_once(folder: Path) -> None:
    config = write_config(folder, count=5, name=f"{INPUT}:samples,{INPUT}x")
    with pytest.raises(ConversionError) as caught:
        quantized(config)
    assert [(problem.code, problem.message) for problem in caught.value.problems] == [
        ("E401", "calibrate_path names 'xx', which is no model input"),
        ("E401", f"calibrate_size is 5, {folder / 'samples'} has 3 files"),
    ]
    assert [problem.hint for problem in caught.value.problems] == [
        "the model's inputs are x",
        "add samples, or use calibrate_size=3",
    ]


def test_a_sample_of_another_size_is_named(folder: Path) -> None:
    (folder / "samples" / "01.bin").write_bytes(bytes(12))
    with pytest.raises(ConversionError) as caught:
        quantized(write_config(folder))
    (problem,) = caught.value.problems
    assert problem.path == str(folder / "samples" / "01.bin")
    assert problem.message == "has 12 bytes, the model input 'x' of type float32[4,32,32,1] has 16384"


def test_an_activation_that_overflows_is_refused(folder: Path) -> None:
    np.full(SHAPE, 3e38, np.float32).tofile(folder / "samples" / "01.bin")
    with pytest.raises(ConversionError) as caught:
        quantized(write_config(folder))
    assert {problem.code for problem in caught.value.problems} == {"E401"}
    assert "becomes NaN or infinite on the calibration sample '01.bin'" in caught.value.problems[0].message


def test_the_official_input_name_is_ours() -> None:
    assert [value.name for value in unquantized(LENET).main.inputs] == [INPUT]
