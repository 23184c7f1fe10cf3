"""FULL_QUANT, DYNAMIC_QUANT and mixed bits against the official converter, both files in the official runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from digits_table import DATA, FULL, digits
from ms_file import MsFile, read_ms
from official import convert, describe, predict
from ours import ZOO, convert_ours

from converter.quantize.int8_policy import QUANT_ALL

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.oracle

LENET, DIGITS = ZOO / "ms200" / "lenet_infer.mindir", DATA / "digits.mindir"
EMBEDDING, ENCODER = ZOO / "ms200" / "layer_embedding_infer.mindir", ZOO / "ms200" / "encoder_infer.mindir"
SAMPLES = 12
# Both files are rounded at the same places, by the same rules; which of two roundings comes closer is chance.
CHANCE = 1.15


def inputs_of(model: Path) -> NDArray[Any]:
    """A recorded input, channels last; for the digits a batch that was not trained on."""
    if model == DIGITS:
        return digits()[0][:60]
    with np.load(model.with_suffix(".npz")) as recorded:
        array = recorded["in0"]
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def both(oracle: Path, folder: Path, model: Path, text: str) -> tuple[Path, Path | None]:
    """Our file and the official one, None where the official converter fails."""
    config, ours, official = folder / "q.cfg", folder / "ours.ms", folder / "official.ms"
    config.write_text(f"[common_quant_param]\n{text}", encoding="utf-8")
    done = convert_ours(model, ours, is_training=False, config=config)
    assert done.returncode == 0, done.stderr
    made = convert(oracle, model, official, is_training=False, config=config)
    return ours, official if made.status == 0 else None


def full_text(oracle: Path, folder: Path, model: Path, details: str) -> str:
    """A config for FULL_QUANT, with samples beside it."""
    plain = folder / "plain.ms"
    assert convert(oracle, model, plain, is_training=False).status == 0
    (slot,) = describe(oracle, plain)
    (folder / "samples").mkdir()
    for index in range(SAMPLES):
        if model == DIGITS:
            sample = digits()[0][360 + 60 * index : 420 + 60 * index]
        else:
            sample = np.random.default_rng(index).normal(size=slot.shape).astype(np.float32)
        sample.tofile(folder / "samples" / f"{index:02d}.bin")
    data = FULL.format(input=slot.name).replace("samples", str(folder / "samples"))
    return f"quant_type=FULL_QUANT\n{data}{details}\n"


def changes(oracle: Path, folder: Path, model: Path, *files: Path) -> list[float]:
    """How far the outputs of files are from the official float file's, relatively."""
    plain = folder / "plain.ms"
    convert(oracle, model, plain, is_training=False)
    inputs = {"in0": inputs_of(model)}
    expected, *found = (next(iter(predict(oracle, file, inputs).values())) for file in (plain, *files))
    return [float(np.linalg.norm(each - expected) / np.linalg.norm(expected)) for each in found]


@pytest.mark.parametrize("method", ["MAX_MIN", "KL", "REMOVAL_OUTLIER"])
@pytest.mark.parametrize("model", [LENET, DIGITS], ids=lambda model: model.stem)
def test_int8_outputs_are_as_close_to_float(oracle: Path, tmp_path: Path, model: Path, method: str) -> None:
    text = full_text(oracle, tmp_path, model, f"activation_quant_method={method}")
    ours, official = both(oracle, tmp_path, model, text)
    assert official is not None
    found, expected = changes(oracle, tmp_path, model, ours, official)
    assert found <= CHANCE * expected
    assert ours.stat().st_size <= official.stat().st_size


def activation_scales(file: MsFile) -> dict[str, tuple[float, int]]:
    """Scale and zero point of what convolutions and the last product write, by node names.

    The official converter leaves the ReLU of other products to a node of its own; ours takes the range behind it.
    """
    computing = [node for node in file.nodes if node.quant_type == QUANT_ALL]
    last = [node for node in computing if node.op == "MatMulFusion"][-1:]
    chosen = [*(node for node in computing if node.op == "Conv2DFusion"), *last]
    outputs = {node.name: file.tensors[node.outputs[0]] for node in chosen}
    return {name: (tensor.params[0].scale, tensor.params[0].zero_point) for name, tensor in outputs.items()}


@pytest.mark.parametrize("model", [LENET, DIGITS], ids=lambda model: model.stem)
def test_max_min_ranges_weights_and_biases_equal_the_official_ones(oracle: Path, tmp_path: Path, model: Path) -> None:
    text = full_text(oracle, tmp_path, model, "activation_quant_method=MAX_MIN\nbias_correction=false")
    ours, official = (read_ms(file) for file in both(oracle, tmp_path, model, text) if file is not None)
    found, expected = activation_scales(ours), activation_scales(official)
    shared = found.keys() & expected.keys()
    assert len(shared) >= 3
    for name in shared:
        assert found[name][0] == pytest.approx(expected[name][0], rel=1e-5), name
        assert found[name][1] == expected[name][1], name
    weights = [name for name, tensor in official.constants().items() if tensor.params and tensor.data_type == 32]
    same = [name for name in weights if name in ours.constants()]
    assert len(same) >= 3
    for name in same:
        assert ours.constants()[name].data == official.constants()[name].data, name
        assert ours.constants()[name].params == official.constants()[name].params, name


@pytest.mark.parametrize("model", [LENET, EMBEDDING, DIGITS], ids=lambda model: model.stem)
def test_dynamic_weights_and_outputs_equal_the_official_ones(oracle: Path, tmp_path: Path, model: Path) -> None:
    ours, official = both(oracle, tmp_path, model, "quant_type=DYNAMIC_QUANT\n")
    assert official is not None
    found, expected = (
        {name: (t.data, t.params, t.data_type) for name, t in read_ms(file).quantized().items()}
        for file in (ours, official)
    )
    assert found == expected
    mine, theirs = changes(oracle, tmp_path, model, ours, official)
    assert mine == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("strategy", ["ALWC", "ACWL"])
def test_a_transformer_computes_in_dynamic_int8(oracle: Path, tmp_path: Path, strategy: str) -> None:
    ours, _ = both(
        oracle, tmp_path, ENCODER, f"quant_type=DYNAMIC_QUANT\n[dynamic_quant_param]\nquant_strategy={strategy}\n"
    )
    assert changes(oracle, tmp_path, ENCODER, ours)[0] < 0.04


@pytest.mark.parametrize("model", [LENET, DIGITS], ids=lambda model: model.stem)
def test_mixed_bits_run_in_the_official_runtime(oracle: Path, tmp_path: Path, model: Path) -> None:
    ours, official = both(oracle, tmp_path, model, "quant_type=WEIGHT_QUANT\nbit_num=0\nmin_quant_weight_channel=0\n")
    assert changes(oracle, tmp_path, model, ours)[0] < 0.08
    assert official is None, "the official converter fails on weights that are too small to be coded"


@pytest.mark.parametrize("bits", [2, 4, 12, 16])
def test_weights_of_every_width_equal_the_official_ones(oracle: Path, tmp_path: Path, bits: int) -> None:
    text = f"quant_type=WEIGHT_QUANT\nbit_num={bits}\nmin_quant_weight_channel=0\n"
    ours, official = both(oracle, tmp_path, LENET, text)
    assert official is not None
    found, expected = (
        {name: (t.data, t.params, t.data_type, t.compression) for name, t in read_ms(file).quantized().items()}
        for file in (ours, official)
    )
    assert found == expected
