"""Layers that recorded networks do not show: numbers against numpy, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import constant, literal, model, node, numbered, value
from support.one_operator import around, converted, laid_out, normal

from converter.errors import ConversionError
from converter.ir import Stage
from converter.reference import Session
from converter.reference.convolution import Window, filter_gradient, forward, input_gradient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Attr, Model, Value

    Array = np.ndarray[Any, np.dtype[Any]]

_LAST, _FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
SHAPE = (2, 6, 5, 7)
STEPS = {"pad_mode": "pad", "stride": (1, 1, 2, 1), "dilation": (1, 1, 1, 2), "pad_list": (1, 0, 2, 1)}


def source(
    op: str,
    inputs: Sequence[Value],
    shapes: Sequence[tuple[int, ...]],
    attrs: dict[str, Attr] | None = None,
    *,
    trains: bool = False,
) -> Model:
    """A MindIR model of one operator with results of these shapes."""
    results = [value(f"{op}_{index}", *shape) for index, shape in enumerate(shapes)]
    return around(op, inputs, results, attrs, trains=trains)


def compute(each: Model, *inputs: Array, trains: bool = False) -> list[Array]:
    """Convert and run: arrays in MindIR's order, results too."""
    session = Session(converted(each, trains=trains))
    given = [*inputs, *([normal(11)] if trains else [])]
    arrays = laid_out(each, given)
    outputs = session.step(arrays).outputs if trains else session.infer(arrays)
    return [outputs[one.name] for one in each.main.outputs]


def ops(each: Model) -> list[str]:
    return [one.op for one in each.main.nodes]


def refusals(each: Model, *, trains: bool = False) -> list[str]:
    with pytest.raises(ConversionError) as caught:
        converted(each, trains=trains)
    return [problem.code for problem in caught.value.problems]


# -- pooling --------------------------------------------------------------------------------------------------------


def adaptive(x: Array, rows: int, columns: int) -> Array:
    """Mean over [floor(i * size / count), ceil((i + 1) * size / count)) along both axes."""
    result = np.zeros((*x.shape[:2], rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, bottom = i * x.shape[2] // rows, -(-(i + 1) * x.shape[2] // rows)
            left, right = j * x.shape[3] // columns, -(-(j + 1) * x.shape[3] // columns)
            result[:, :, i, j] = x[:, :, top:bottom, left:right].mean((2, 3))
    return result


@pytest.mark.parametrize(
    ("size", "op"), [((1, 1), "ReduceFusion"), ((5, 1), "AvgPoolFusion"), ((2, 3), "MatMulFusion")]
)
def test_adaptive_pooling_takes_the_simplest_form(size: tuple[int, int], op: str) -> None:
    x = normal(*SHAPE)
    sample = source("AdaptiveAvgPool2D", [value("x", *SHAPE)], [(2, 6, *size)], {"output_size": size})
    np.testing.assert_allclose(compute(sample, x)[0], adaptive(x, *size), rtol=1e-5, atol=1e-6)
    assert op in ops(sample)


@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
def test_the_gradient_of_adaptive_pooling_is_its_adjoint(size: tuple[int, int]) -> None:
    x, dy = normal(*SHAPE), normal(2, 6, *size, seed=5)
    shape = numbered("shape", np.array(SHAPE, np.int32))
    sample = source("AdaptiveAvgPool2DGrad", [value("dy", 2, 6, *size), shape], [SHAPE])
    (dx,) = compute(sample, dy)
    assert float((dx * x).sum()) == pytest.approx(float((adaptive(x, *size) * dy).sum()), rel=1e-4)


# -- convolutions ---------------------------------------------------------------------------------------------------

WINDOW = Window((3, 2), (2, 1), (1, 2), (1, 0, 2, 1))


@pytest.mark.parametrize("group", [2, 6, 12])
def test_grouped_convolutions_train_by_parts_or_by_a_masked_kernel(group: int) -> None:
    """The device's own kernel keeps the first weights; above eight groups the mask takes fewer nodes."""
    channels, out = 12, 24
    x, kernel = normal(2, channels, 5, 7), constant("kernel", out, channels // group, 3, 2)
    assert kernel.const is not None
    weight = kernel.const.array().transpose(_LAST)
    size = WINDOW.output((5, 7))
    expected = forward(x.transpose(_LAST), weight, WINDOW, group).transpose(_FIRST)
    attrs: dict[str, Attr] = {**STEPS, "kernel_size": (3, 2), "group": group}
    sample = source("Conv2D", [value("x", 2, channels, 5, 7), kernel], [(2, out, *size)], attrs, trains=True)
    np.testing.assert_allclose(compute(sample, x, trains=True)[0], expected, rtol=1e-4, atol=1e-5)
    assert ops(sample).count("Conv2DFusion") == (group if group <= 8 else 1)

    dy = normal(2, out, *size, seed=5)
    shape = literal((out, channels // group, 3, 2))
    inputs = [value("dy", 2, out, *size), value("x", 2, channels, 5, 7), shape]
    sample = source("Conv2DBackpropFilter", inputs, [(out, channels // group, 3, 2)], attrs, trains=True)
    dw = filter_gradient(dy.transpose(_LAST), x.transpose(_LAST), WINDOW, group).transpose(_FIRST)
    np.testing.assert_allclose(compute(sample, dy, x, trains=True)[0], dw, rtol=1e-4, atol=1e-4)

    kernel = constant("kernel", out, channels // group, 3, 2)
    inputs = [value("dy", 2, out, *size), kernel, literal((2, channels, 5, 7))]
    sample = source("Conv2DBackpropInput", inputs, [(2, channels, 5, 7)], attrs, trains=True)
    dx = input_gradient(dy.transpose(_LAST), weight, WINDOW, (2, 5, 7, channels), group).transpose(_FIRST)
    np.testing.assert_allclose(compute(sample, dy, trains=True)[0], dx, rtol=1e-4, atol=1e-4)


VOLUME, KERNEL, RESULT = (2, 3, 7, 5, 11), (13, 3, 3, 2, 3), (2, 13, 3, 5, 6)
STEPS_3D: dict[str, Attr] = {
    "pad_mode": "pad",
    "stride": (1, 1, 2, 1, 2),
    "dilation": (1, 1, 2, 1, 1),
    "pad_list": (0, 2, 1, 0, 2, 0),
    "format": "NCDHW",
}


def volume(x: Array, kernel: Array) -> Array:
    """The convolution of STEPS_3D, tap by tap."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (0, 2), (1, 0), (2, 0)))
    result = np.zeros(RESULT)
    for d, i, j in np.ndindex(*KERNEL[2:]):
        part = padded[:, :, 2 * d : 2 * d + 5 : 2, i : i + 5, j : j + 11 : 2]
        result += np.einsum("ncdhw,oc->nodhw", part, kernel[:, :, d, i, j])
    return result


def test_a_convolution_of_volumes_and_its_gradients_are_convolutions_of_images() -> None:
    x, dy, kernel = normal(*VOLUME), normal(*RESULT, seed=5), constant("kernel", *KERNEL)
    assert kernel.const is not None
    weight = kernel.const.array()
    y = volume(x, weight)
    inner = float((y * dy).sum())

    sample = source("Conv3D", [value("x", *VOLUME), kernel], [RESULT], STEPS_3D)
    np.testing.assert_allclose(compute(sample, x)[0], y, rtol=1e-4, atol=1e-4)

    shape = literal(KERNEL)
    sample = source("Conv3DBackpropFilter", [value("x", *VOLUME), value("dy", *RESULT), shape], [KERNEL], STEPS_3D)
    (dw,) = compute(sample, x, dy)
    assert float((dw * weight).sum()) == pytest.approx(inner, rel=1e-4)
    direction = normal(*KERNEL, seed=9)
    assert float((dw * direction).sum()) == pytest.approx(float((volume(x, direction) * dy).sum()), rel=1e-3)

    sample = source("Conv3DBackpropInput", [kernel, value("dy", *RESULT), literal(VOLUME)], [VOLUME], STEPS_3D)
    (dx,) = compute(sample, dy)
    assert float((dx * x).sum()) == pytest.approx(inner, rel=1e-4)
    direction = normal(*VOLUME, seed=9)
    assert float((dx * direction).sum()) == pytest.approx(float((volume(direction, weight) * dy).sum()), rel=1e-3)


# -- normalization --------------------------------------------------------------------------------------------------


def instance(x: Array) -> tuple[Array, Array]:
    """Normalized image and deviation, per image and channel."""
    wide = x.astype(np.float64)
    deviation = np.sqrt(wide.var((2, 3), keepdims=True) + 1e-3)
    return (wide - wide.mean((2, 3), keepdims=True)) / deviation, deviation


def test_instance_normalization_and_its_gradient() -> None:
    """MindSpore 2.0 has no CPU kernel, so there is no recording."""
    x, dy = normal(*SHAPE), normal(*SHAPE, seed=5)
    parameters = [constant(name, 6, seed=seed) for seed, name in enumerate(("gamma", "beta", "mean", "variance"))]
    gamma, beta = (each.const.array().reshape(1, 6, 1, 1) for each in parameters[:2] if each.const is not None)
    results = [value("y", *SHAPE), value("mean_", 12), value("inverse_", 12)]
    forward_node = node("InstanceNorm", [value("x", *SHAPE), *parameters], results, {"epsilon": 1e-3, "momentum": 0.1})
    gradients = [value("dx", *SHAPE), value("dgamma", 6), value("dbeta", 6)]
    inputs = [value("dy", *SHAPE), forward_node.inputs[0], parameters[0], *results[1:]]
    backward = node("InstanceNormGrad", inputs, gradients, {"epsilon": 1e-3, "momentum": 0.1})
    sample = model(
        [forward_node, backward], [forward_node.inputs[0], inputs[0]], [results[0], *gradients], Stage.SOURCE
    )
    y, dx, dgamma, dbeta = compute(sample, x, dy)
    normalized, deviation = instance(x)
    np.testing.assert_allclose(y, normalized * gamma + beta, rtol=1e-4, atol=1e-5)
    inner = dy * gamma
    along = normalized * (inner * normalized).mean((2, 3), keepdims=True)
    expected = (inner - inner.mean((2, 3), keepdims=True) - along) / deviation
    np.testing.assert_allclose(dx, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(dgamma, (dy * normalized).sum((0, 2, 3)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(dbeta, dy.sum((0, 2, 3)), rtol=1e-4, atol=1e-4)


def test_batch_normalization_by_moving_statistics_is_one_node_where_nobody_trains_it() -> None:
    x = normal(*SHAPE)
    names = ("gamma", "beta", "mean", "variance")
    numbers = [np.abs(normal(6, seed=seed)) + 1 for seed in range(4)]
    parameters = [numbered(name, array) for name, array in zip(names, numbers, strict=True)]
    gamma, beta, mean, variance = (array.reshape(1, 6, 1, 1) for array in numbers)
    results = [SHAPE, (6,), (6,), (6,), (6,)]
    attrs: dict[str, Attr] = {"is_training": False, "epsilon": 1e-3, "momentum": 0.1, "format": "NCHW"}
    sample = source("BatchNorm", [value("x", *SHAPE), *parameters], results, attrs)
    sample.main.outputs[1:] = []
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(compute(sample, x)[0], expected, rtol=1e-4, atol=1e-5)
    assert ops(sample) == ["ScaleFusion", "Transpose"]


@pytest.mark.parametrize("is_shared", [False, True])
def test_batch_normalization_is_folded_into_the_convolution_that_nobody_else_reads(is_shared: bool) -> None:
    x = normal(*SHAPE)
    kernel = constant("kernel", 13, 6, 1, 1)
    assert kernel.const is not None
    weight = kernel.const.array()[:, :, 0, 0]
    numbers = [np.abs(normal(13, seed=seed)) + 1 for seed in range(4)]
    parameters = [numbered(f"p{index}", array) for index, array in enumerate(numbers)]
    image = (2, 13, 5, 7)
    attrs: dict[str, Attr] = {"pad_mode": "valid", "kernel_size": (1, 1), "stride": (1, 1, 1, 1)}
    conv = node("Conv2D", [value("x", *SHAPE), kernel], [value("conv", *image)], attrs)
    results = [value("y", *image), *(value(f"rest{index}", 13) for index in range(4))]
    batch: dict[str, Attr] = {"is_training": False, "epsilon": 1e-3, "momentum": 0.1, "format": "NCHW"}
    norm = node("BatchNorm", [conv.outputs[0], *parameters], results, batch)
    outputs = [results[0], *(conv.outputs if is_shared else [])]
    sample = model([conv, norm], [conv.inputs[0]], outputs, Stage.SOURCE)
    found = compute(sample, x)[0]
    gamma, beta, mean, variance = (array.reshape(1, 13, 1, 1) for array in numbers)
    plain = np.einsum("nchw,oc->nohw", x, weight)
    np.testing.assert_allclose(found, (plain - mean) / np.sqrt(variance + 1e-3) * gamma + beta, rtol=1e-3, atol=1e-4)
    assert ("ScaleFusion" in ops(sample)) == is_shared


# -- padding and resizing -------------------------------------------------------------------------------------------


def test_pads_of_every_kind() -> None:
    x = normal(*SHAPE)
    pairs = numbered("pairs", np.array(((0, 0), (0, 0), (1, 2), (3, 0)), np.int32))
    for mode, kind in (("REFLECT", "reflect"), ("SYMMETRIC", "symmetric")):
        sample = source("MirrorPad", [value("x", *SHAPE), pairs], [(2, 6, 8, 10)], {"mode": mode})
        np.testing.assert_array_equal(compute(sample, x)[0], np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 0)), mode=kind))
    inputs = [value("x", *SHAPE), literal((3, 0, 1, 2)), literal(2.5)]
    sample = source("PadV3", inputs, [(2, 6, 8, 10)], {"mode": "constant", "paddings_contiguous": True})
    expected = np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 0)), constant_values=2.5)
    np.testing.assert_array_equal(compute(sample, x)[0], expected)


def test_the_gradient_of_a_resize_by_half_pixel_centers_is_its_adjoint() -> None:
    """The device's gradient kernel knows no such centers."""
    x, dy = normal(*SHAPE), normal(2, 6, 11, 13, seed=5)
    half: dict[str, Attr] = {"align_corners": False, "half_pixel_centers": True}
    (y,) = compute(source("ResizeBilinearV2", [value("x", *SHAPE), literal((11, 13))], [(2, 6, 11, 13)], half), x)
    inputs = [value("dy", 2, 6, 11, 13), value("x", *SHAPE)]
    (dx,) = compute(source("ResizeBilinearGrad", inputs, [SHAPE], half), dy, x)
    assert float((dx * x).sum()) == pytest.approx(float((y * dy).sum()), rel=1e-4)


def test_a_padded_mean_is_a_convolution_of_every_channel() -> None:
    x, volume = normal(*SHAPE), (2, 6, 1, 5, 7)
    attrs: dict[str, Attr] = {
        "kernel_size": (1, 1, 1, 3, 3),
        "strides": (1, 1, 1, 2, 2),
        "pad_mode": "PAD",
        "pad_list": (0, 0, 1, 1, 1, 1),
        "count_include_pad": False,
        "divisor_override": 0,
    }
    sample = source("AvgPool3D", [value("x", *volume)], [(2, 6, 1, 3, 4)], attrs)
    padded, ones = (np.pad(each, ((0, 0), (0, 0), (1, 1), (1, 1))) for each in (x, np.ones_like(x)))
    total, count = (
        sum(each[:, :, i : i + 5 : 2, j : j + 7 : 2] for i, j in np.ndindex(3, 3)) for each in (padded, ones)
    )
    found = compute(sample, x.reshape(volume))[0].reshape(2, 6, 3, 4)
    np.testing.assert_allclose(found, total / count, rtol=1e-5, atol=1e-6)


def test_a_padded_maximum_and_its_gradient_pad_the_image() -> None:
    """All numbers are negative: a border of zeros would win everywhere."""
    x, dy, volume, small = -np.abs(normal(*SHAPE)) - 1, normal(2, 6, 1, 3, 4, seed=5), (2, 6, 1, 5, 7), (2, 6, 1, 3, 4)
    attrs: dict[str, Attr] = {"ksize": (1, 3, 3), "strides": (1, 2, 2), "pads": (0, 1, 1), "dilation": (1, 1, 1)}
    pooled = [value("y", *small), value("argmax", *small)]
    forward_node = node("MaxPool3DWithArgmax", [value("x", *volume)], pooled, attrs)
    inputs = [forward_node.inputs[0], value("dy", *small), pooled[1]]
    backward = node("MaxPool3DGradWithArgmax", inputs, [value("dx", *volume)], attrs)
    sample = model([forward_node, backward], inputs[:2], [pooled[0], *backward.outputs], Stage.SOURCE)
    y, dx = compute(sample, x.reshape(volume), dy)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    windows = np.stack([padded[:, :, i : i + 5 : 2, j : j + 7 : 2] for i, j in np.ndindex(3, 3)])
    np.testing.assert_array_equal(y.reshape(2, 6, 3, 4), windows.max(0))
    assert float((dx.reshape(SHAPE) * x).sum()) == pytest.approx(float((y * dy).sum()), rel=1e-5)


@pytest.mark.parametrize("keep_prob", [1.0, 0.7])
def test_dropout_is_left_out_of_an_inference_model(keep_prob: float) -> None:
    x = value("x", 2, 3)
    inner = node("Abs", [x], name="inner")
    drop = node("Dropout", inner.outputs, [value("y", 2, 3), value("mask", 2, 3)], {"keep_prob": keep_prob})
    last = node("Neg", drop.outputs[:1], name="last")
    sample = converted(model([inner, drop, last], [x], last.outputs, Stage.SOURCE))
    assert ops(sample) == ["Abs", "Neg"]


# -- refusals -------------------------------------------------------------------------------------------------------


def test_what_no_kernel_can_do_is_refused() -> None:
    x = value("x", *SHAPE)
    half = {"align_corners": False, "half_pixel_centers": True}
    inputs = [value("dy", 2, 6, 10, 14), literal((5, 7))]
    assert refusals(source("ResizeNearestNeighborGrad", inputs, [SHAPE], half)) == ["E202"]
    resized = source("ResizeNearestNeighborV2", [x, literal((7, 7))], [(2, 6, 7, 7)], half)
    assert refusals(resized) == ["E202"]
    padded = {"pad_mode": "pad", "kernel_size": (1, 1, 3, 3), "strides": (1, 1, 1, 1)}
    assert refusals(source("MaxPool", [x], [SHAPE], padded)) == ["E202"]
    edge = {"mode": "edge", "paddings_contiguous": True}
    assert refusals(source("PadV3", [x, literal((1, 1))], [(2, 6, 5, 9)], edge)) == ["E202"]
    rows = [value("rows", 2, 6, 5), *(constant(name, 6) for name in ("gamma", "beta", "mean", "variance"))]
    batch: dict[str, Attr] = {"is_training": False, "epsilon": 1e-5, "momentum": 0.1, "format": "NCHW"}
    assert refusals(source("BatchNorm", rows, [(2, 6, 5), (6,), (6,), (6,), (6,)], batch)) == ["E202"]
    grouped = [value("x", 2, 4, 3, 5, 7), constant("kernel", 8, 2, 1, 1, 1)]
    attrs: dict[str, Attr] = {"pad_mode": "valid", "format": "NCDHW"}
    assert refusals(source("Conv3D", grouped, [(2, 8, 3, 5, 7)], attrs)) == ["E202"]
