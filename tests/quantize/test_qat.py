"""Quantization-aware training: a network that MindSpore 1.6.2's own API prepared (export_qat.py) computes in int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.graphs import constant, model, node, numbered, value

from converter.api import convert
from converter.errors import ConversionError
from converter.ir import DType, Stage
from converter.mslite.reader import parse_model
from converter.options import ConvertOptions
from converter.passes.normalize.fake_quantization import take_trained_scales
from converter.quantize.int8_policy import QUANT_ALL
from converter.reference import Session

QAT = Path(__file__).resolve().parent / "data" / "qat.mindir"
SCALE = 3 / 255  # of activations between 0 and 3, as the network was given


def test_layers_between_trained_scales_compute_in_int8() -> None:
    result = convert(QAT, ConvertOptions())
    graph = result.model.main
    assert not any(each.op.startswith("FakeQuant") for each in graph.nodes)
    computing = [each for each in graph.nodes if each.op in ("Conv2DFusion", "MatMulFusion")]
    # Nobody trained a scale for the image, so the first convolution stays float.
    assert [each.quant_type for each in computing] == [0, QUANT_ALL, QUANT_ALL, QUANT_ALL]
    for each in computing[1:]:
        assert [each.inputs[i].type.dtype for i in (0, 1)] == [DType.INT8, DType.INT8]
    for each in computing[1:3]:
        assert each.outputs[0].quant[0].scale == pytest.approx(SCALE)
        assert each.outputs[0].quant[0].zero_point == -128
    assert result.report.quantization is not None
    reasons = dict(result.report.quantization.floats)
    assert reasons[computing[0].name] == "no scale was trained for what it reads or writes"


def test_the_answers_are_those_of_the_rounded_network() -> None:
    layout = convert(QAT, ConvertOptions()).layout
    session = Session(parse_model(b"".join(bytes(chunk) for chunk in layout.chunks()), "qat.ms"))
    image = np.random.default_rng(3).normal(size=(3, 7, 11, 2)).astype(np.float32)
    seen: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    session.on_kernel = lambda _position, each, outputs: seen.update({each.name: outputs[0]})
    (scores,) = session.infer([image]).values()
    step = 6 / 255
    np.testing.assert_allclose(scores / step, np.rint(scores / step), atol=1e-3)
    first = next(array for name, array in seen.items() if name.endswith("Conv2D-op4"))
    levels = next(array for name, array in seen.items() if name.endswith("_quantize"))
    np.testing.assert_allclose((levels.astype(int) + 128) * SCALE, np.clip(first, 0, 3), atol=SCALE)


def fake(op: str, *shape: int, low: float, high: float, **attrs: bool | int) -> tuple[float, int]:
    """Scale and zero point that a FakeQuant node leaves behind."""
    x = value("x", *shape)
    ranges = [numbered(name, np.array([bound], np.float32)) for name, bound in (("low", low), ("high", high))]
    quant = node(op, [x, *ranges], attrs=attrs, name="fake")
    after = node("Abs", [quant.outputs[0]], name="after")
    network = model([quant, after], [x], list(after.outputs), Stage.SOURCE)
    assert take_trained_scales(network)
    assert [each.op for each in network.main.nodes] == ["Abs"]
    (param,) = after.inputs[0].quant
    return param.scale, param.zero_point


@pytest.mark.parametrize(
    ("low", "high", "attrs", "scale", "zero_point"),
    [
        (0.0, 2.55, {}, 0.01, -128),
        (-1.0, 1.55, {}, 0.01, -28),
        (1.0, 2.55, {}, 0.01, -128),
        (-1.0, 1.27, {"symmetric": True}, 0.01, 0),
        (-2.54, 1.0, {"symmetric": True, "narrow_range": True}, 0.02, 0),
        (0.0, 2.54, {"narrow_range": True}, 0.01, -127),
    ],
)
def test_ranges_become_scales(low: float, high: float, attrs: dict[str, bool], scale: float, zero_point: int) -> None:
    found = fake("FakeQuantPerLayer", 2, 3, low=low, high=high, num_bits=8, **attrs)
    assert found == (pytest.approx(scale), zero_point)


def test_weights_are_rounded_to_their_levels() -> None:
    weight = constant("w", 5, 3)
    assert weight.const is not None
    numbers = weight.const.array()
    low, high = numbered("low", numbers.min(axis=1)), numbered("high", numbers.max(axis=1))
    attrs = {"num_bits": 8, "symmetric": True, "narrow_range": True, "channel_axis": 0}
    quant = node("FakeQuantPerChannel", [weight, low, high], attrs=attrs, name="fake")
    x = value("x", 5, 3)
    after = node("Add", [x, quant.outputs[0]], name="after")
    assert take_trained_scales(model([quant, after], [x], list(after.outputs), Stage.SOURCE))
    rounded = after.inputs[1].const
    assert rounded is not None
    steps = np.abs(numbers).max(axis=1, keepdims=True) / 127
    np.testing.assert_allclose(rounded.array() / steps, np.rint(rounded.array() / steps), atol=1e-3)
    np.testing.assert_allclose(rounded.array(), numbers, atol=float(steps.max()) / 2 * 1.001)


def test_what_cannot_be_taken_is_named() -> None:
    x, low = value("x", 2, 3), value("low", 1)
    high = numbered("high", np.array([1], np.float32))
    first = node("FakeQuantPerLayer", [x, low, high], attrs={"num_bits": 8}, name="first")
    second = node("FakeQuantPerLayer", [first.outputs[0], high, high], attrs={"num_bits": 4}, name="second")
    with pytest.raises(ConversionError) as caught:
        take_trained_scales(model([first, second], [x, low], list(second.outputs), Stage.SOURCE))
    assert [(p.code, p.node, p.message) for p in caught.value.problems] == [
        ("E202", "first", "has ranges that are not constants"),
        ("E202", "second", "has 4 bits"),
    ]
