"""Convolutions against sums over windows in float64, and their gradients as adjoints: <conv(x), dy> = <x, grad>."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_calls import call, compute, numbers

from converter.errors import ConversionError
from converter.reference.convolution import Window, filter_gradient, forward, input_gradient, same_pads
from converter.reference.kernels import KERNELS

# kernel, stride, dilation, pads (up, down, left, right), input channels, output channels, groups
CASES = [
    ((3, 3), (1, 1), (1, 1), (0, 0, 0, 0), 5, 7, 1),
    ((1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 5, 7, 1),
    ((5, 3), (2, 3), (1, 1), (2, 1, 0, 2), 2, 3, 1),
    ((3, 2), (1, 2), (2, 3), (1, 2, 3, 0), 3, 5, 1),
    ((3, 3), (2, 2), (1, 1), (1, 1, 1, 1), 7, 7, 7),
    ((2, 3), (1, 1), (2, 1), (1, 0, 0, 1), 6, 9, 3),
]
HEIGHT, WIDTH, BATCH = 13, 11, 3


def naive(x: np.ndarray, weight: np.ndarray, window: Window, group: int) -> np.ndarray:
    """One output at a time, in float64."""
    up, down, left, right = window.pads
    padded = np.pad(x.astype(np.float64), ((0, 0), (up, down), (left, right), (0, 0)))
    height, width = window.output((x.shape[1], x.shape[2]))
    result = np.zeros((x.shape[0], height, width, weight.shape[0]))
    ins, outs = x.shape[3] // group, weight.shape[0] // group
    for i, j, out in np.ndindex(height, width, weight.shape[0]):
        first = out // outs * ins
        for a, b in np.ndindex(*window.kernel):
            row, column = i * window.stride[0] + a * window.dilation[0], j * window.stride[1] + b * window.dilation[1]
            result[:, i, j, out] += padded[:, row, column, first : first + ins] @ weight[out, a, b].astype(np.float64)
    return result


@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_and_both_gradients(case: tuple) -> None:
    kernel, stride, dilation, pads, ins, outs, group = case
    window = Window(kernel, stride, dilation, pads)
    x, weight = numbers(BATCH, HEIGHT, WIDTH, ins), numbers(outs, *kernel, ins // group, seed=1)
    y = forward(x, weight, window, group)
    np.testing.assert_allclose(y, naive(x, weight, window, group), atol=2e-5)
    dy = numbers(*y.shape, seed=2)
    product = float(np.vdot(y.astype(np.float64), dy))
    dx = input_gradient(dy, weight, window, x.shape, group)
    dw = filter_gradient(dy, x, window, group)
    assert dx.shape == x.shape
    assert dw.shape == weight.shape
    assert float(np.vdot(dx.astype(np.float64), x)) == pytest.approx(product, rel=1e-4, abs=1e-3)
    assert float(np.vdot(dw.astype(np.float64), weight)) == pytest.approx(product, rel=1e-4, abs=1e-3)


def test_large_images_are_unfolded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    x, weight = numbers(5, 7, 11, 2), numbers(3, 3, 3, 2, seed=1)
    whole = forward(x, weight, window)
    gradients = input_gradient(whole, weight, window, x.shape), filter_gradient(whole, x, window)
    monkeypatch.setattr("converter.reference.convolution._CHUNK", 2 * 7 * 11 * 18)
    np.testing.assert_allclose(forward(x, weight, window), whole, rtol=1e-6)
    np.testing.assert_allclose(input_gradient(whole, weight, window, x.shape), gradients[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(filter_gradient(whole, x, window), gradients[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(13, 3, 2), (11, 5, 3), (7, 2, 2), (5, 1, 3)])
def test_same_padding_puts_the_odd_pixel_at_the_end(size: int, kernel: int, stride: int) -> None:
    before, after = same_pads(size, kernel, stride)
    assert 0 <= after - before <= 1
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride)


def test_pad_mode_same_makes_as_many_pixels_as_strides_fit() -> None:
    settings = {"stride": (2, 3), "dilation": (1, 1), "pad_mode": 1}
    y = compute("Conv2DFusion", numbers(2, 13, 11, 3), numbers(5, 3, 5, 3, seed=1), **settings)
    assert y.shape == (2, 7, 4, 5)


def test_inference_runs_a_grouped_convolution_with_bias_and_relu() -> None:
    x, weight, bias = numbers(2, 7, 5, 6), numbers(4, 3, 3, 3, seed=1), numbers(4, seed=2)
    settings = {"stride": (1, 1), "dilation": (1, 1), "pad_mode": 2, "group": 2}
    made = call("Conv2DFusion", x, weight, bias, activation_type=1, **settings)
    made.is_training = False
    result = KERNELS["Conv2DFusion"](made)[0]
    wanted = naive(x, weight, Window((3, 3), (1, 1), (1, 1), (0, 0, 0, 0)), 2) + bias
    np.testing.assert_allclose(result, np.maximum(wanted, 0), atol=1e-5)


def test_a_constant_bias_stays_as_it_was_compiled() -> None:
    x, weight, bias = numbers(1, 3, 3, 2), numbers(3, 1, 1, 2, seed=1), numbers(3, seed=2)
    made = call("Conv2DFusion", x, weight, bias, is_constant=(1, 2), stride=(1, 1), dilation=(1, 1), pad_mode=2)
    before = KERNELS["Conv2DFusion"](made)[0]
    made.inputs = (x, weight, bias + 1)
    np.testing.assert_array_equal(before, KERNELS["Conv2DFusion"](made)[0])


def test_transposed_convolution_is_the_input_gradient() -> None:
    x, weight = numbers(2, 5, 7, 3), numbers(3, 4, 2, 5, seed=1)
    settings = {"stride": (3, 2), "dilation": (1, 1), "pad_mode": 0, "pad_list": (1, 0, 0, 1)}
    y = compute("Conv2dTransposeFusion", x, weight, **settings)
    window = Window((4, 2), (3, 2), (1, 1), (1, 0, 0, 1))
    assert y.shape == (2, 15, 13, 5)
    np.testing.assert_array_equal(y, input_gradient(x, weight, window, y.shape))


def test_gradients_take_the_last_strides_and_the_first_dilations() -> None:
    x, dy = numbers(2, 11, 13, 3), numbers(2, 4, 5, 5, seed=1)
    size = np.array([5, 3, 3, 3], np.int32)
    settings = {"kernel_size": (3, 3), "pad_list": (0, 0, 0, 0), "is_constant": (2,)}
    got = compute("Conv2DBackpropFilterFusion", dy, x, size, stride=(1, 1, 2, 2), dilation=(1, 1, 7, 7), **settings)
    wanted = filter_gradient(dy, x, Window((3, 3), (2, 2), (1, 1), (0, 0, 0, 0)))
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("missing", ["pad_list", "kernel_size", "stride", "dilation"])
def test_a_gradient_without_an_attribute_is_refused(missing: str) -> None:
    attrs = {"kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1), "pad_list": (0, 0, 0, 0)}
    del attrs[missing]
    x, dy = numbers(1, 5, 5, 2), numbers(1, 3, 3, 3)
    with pytest.raises(ConversionError, match=rf"needs the attribute {missing}"):
        compute("Conv2DBackpropFilterFusion", dy, x, np.array([3, 3, 3, 2], np.int32), is_constant=(2,), **attrs)
