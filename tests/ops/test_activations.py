"""Activations and their gradients against their definitions, in the ranges where the device's own are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.one_operator import Fixed, compute, normal, operators

from converter.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[Any]]

SHAPE = (3, 7)
X = np.linspace(-9, 9, 21, dtype=np.float32).reshape(SHAPE) + np.float32(0.01)
DY = normal(*SHAPE, seed=5)


def sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))


def mish(x: Array) -> Array:
    return np.asarray(x * np.tanh(np.logaddexp(0.0, x)))


def elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(x))


def slope(function: Callable[[Array], Array], x: Array) -> Array:
    """Derivative by central differences in float64."""
    wide = x.astype(np.float64)
    return np.asarray((function(wide + 1e-6) - function(wide - 1e-6)) / 2e-6)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "FastGeLU": lambda x: x * sigmoid(1.702 * x),
    "GeLU": gelu,
    "HShrink": lambda x: np.where(np.abs(x) > 0.5, x, 0.0),
    "Mish": mish,
    "SeLU": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "SiLU": lambda x: x * sigmoid(x),
    "SoftShrink": lambda x: x - np.clip(x, -0.5, 0.5),
    "Softplus": lambda x: np.logaddexp(0.0, x),
    "Softsign": lambda x: x / (1.0 + np.abs(x)),
    "Tanh": np.tanh,
}
GRADIENTS = {
    "FastGeLUGrad": FUNCTIONS["FastGeLU"],
    "HShrinkGrad": FUNCTIONS["HShrink"],
    "MishGradExt": mish,
    "SiLUGrad": FUNCTIONS["SiLU"],
    "SoftShrinkGrad": FUNCTIONS["SoftShrink"],
    "SoftplusGrad": FUNCTIONS["Softplus"],
}


@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_are_exact_when_training_although_the_kernel_of_tanh_is_not(op: str) -> None:
    (found,) = compute(op, X, results=[SHAPE], trains=True)
    np.testing.assert_allclose(found, FUNCTIONS[op](X.astype(np.float64)), rtol=4e-6, atol=6e-7)


@pytest.mark.parametrize("op", GRADIENTS)
def test_gradients_from_the_input(op: str) -> None:
    (found,) = compute(op, DY, X, results=[SHAPE], trains=True)
    np.testing.assert_allclose(found, DY * slope(GRADIENTS[op], X), rtol=1e-5, atol=1e-6)


def test_gradient_of_elu_is_not_that_of_the_device() -> None:
    y = elu(X).astype(np.float32)
    (found,) = compute("EluGrad", DY, y, results=[SHAPE], trains=True)
    np.testing.assert_allclose(found, DY * slope(elu, X), rtol=1e-5, atol=1e-6)


def test_gradient_of_gelu_without_the_forward_operator_beside_it() -> None:
    (found,) = compute("GeLUGrad", DY, X, gelu(X).astype(np.float32), results=[SHAPE], trains=True)
    np.testing.assert_allclose(found, DY * slope(gelu, X), rtol=1e-5, atol=2e-6)


def test_inference_keeps_the_kernels() -> None:
    assert operators("Tanh", X, results=[SHAPE]) == ["Activation"]
    assert operators("GeLU", X, results=[SHAPE]) == ["Activation"]


@pytest.mark.parametrize("op", ["Softplus", "Mish"])
def test_large_inputs_do_not_overflow(op: str) -> None:
    x = np.array([[-87.0, 30.0, 200.0]], np.float32)
    (found,) = compute(op, x, results=[(1, 3)])
    np.testing.assert_allclose(found, FUNCTIONS[op](x.astype(np.float64)), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("is_result", [False, True])
def test_elu_with_a_slope(is_result: bool) -> None:
    y = np.where(X > 0, X, 0.8 * np.expm1(X)).astype(np.float32)
    (found,) = compute("EluExt", X, Fixed(0.8), results=[SHAPE])
    np.testing.assert_allclose(found, y, rtol=1e-5)
    known = y if is_result else X
    (found,) = compute("EluGradExt", DY, known, Fixed(0.8), Fixed(is_result), results=[SHAPE])
    np.testing.assert_allclose(found, DY * np.where(X > 0, 1.0, 0.8 * np.exp(X)), rtol=1e-5, atol=1e-7)


def test_celu_scales_before_and_behind() -> None:
    (found,) = compute("CeLU", X, results=[SHAPE], alpha=1.3)
    np.testing.assert_allclose(found, np.where(X > 0, X, 1.3 * np.expm1(X / 1.3)), rtol=1e-5)


def test_bounds_and_slopes_given_as_arguments() -> None:
    (found,) = compute("Hardtanh", X, Fixed(-0.7), Fixed(0.9), results=[SHAPE])
    np.testing.assert_allclose(found, np.clip(X, -0.7, 0.9))
    (found,) = compute("HardtanhGrad", DY, X, Fixed(-0.7), Fixed(0.9), results=[SHAPE])
    np.testing.assert_allclose(found, DY * ((X > -0.7) & (X < 0.9)))
    (found,) = compute("LeakyReLUExt", X, Fixed(0.2), results=[SHAPE])
    np.testing.assert_allclose(found, np.where(X > 0, X, np.float32(0.2) * X))
    (found,) = compute("LeakyReLUGradExt", DY, X, Fixed(0.2), Fixed(False), results=[SHAPE])
    np.testing.assert_allclose(found, np.where(X > 0, DY, np.float32(0.2) * DY))


@pytest.mark.parametrize("kind", ["none", "tanh"])
def test_gelu_of_either_kind(kind: str) -> None:
    erf = np.vectorize(__import__("math").erf)
    function = gelu if kind == "tanh" else lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0)))
    (found,) = compute("GeluExt", X, Fixed(kind), results=[SHAPE])
    np.testing.assert_allclose(found, function(X.astype(np.float64)), rtol=1e-5, atol=1e-6)
    (found,) = compute("GeluGradExt", DY, X, Fixed(kind), results=[SHAPE])
    np.testing.assert_allclose(found, DY * slope(function, X), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("shape", [(3, 5), (2, 5, 7), (2, 5, 7, 3)])
@pytest.mark.parametrize("is_shared", [False, True])
def test_trained_slopes_of_any_rank(shape: tuple[int, ...], is_shared: bool) -> None:
    x, dy = normal(*shape), normal(*shape, seed=8)
    weight = np.array([0.3], np.float32) if is_shared else normal(5, seed=6)
    along = weight.reshape(-1, *[1] * (len(shape) - 2))
    (found,) = compute("PReLU", x.copy(), Fixed(weight), results=[shape]) if x.ndim != 4 else (None,)
    if found is not None:
        np.testing.assert_allclose(found, np.where(x > 0, x, x * along), rtol=1e-6)
    if x.ndim == 4:
        return
    axes = tuple(axis for axis in range(len(shape)) if is_shared or axis != 1)
    dx, dweight = compute("PReLUGrad", dy, x, Fixed(weight), results=[shape, weight.shape])
    np.testing.assert_allclose(dx, np.where(x > 0, dy, dy * along), rtol=1e-6)
    np.testing.assert_allclose(dweight, (dy * np.minimum(x, 0)).sum(axes).reshape(weight.shape), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [0, -1])
def test_gradients_of_softmax_along_an_axis(axis: int) -> None:
    chance = np.exp(X - X.max(axis, keepdims=True))
    chance /= chance.sum(axis, keepdims=True)
    expected = chance * (DY - (DY * chance).sum(axis, keepdims=True))
    (found,) = compute("SoftmaxBackward", DY, chance, Fixed(axis), results=[SHAPE])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    (found,) = compute("LogSoftmaxGrad", np.log(chance), DY, results=[SHAPE], axis=axis)
    np.testing.assert_allclose(found, DY - chance * DY.sum(axis, keepdims=True), rtol=1e-5, atol=1e-5)


def test_softplus_with_a_steepness() -> None:
    (found,) = compute("SoftplusExt", X, Fixed(2.0), Fixed(20.0), results=[SHAPE])
    np.testing.assert_allclose(found, np.logaddexp(0.0, 2.0 * X.astype(np.float64)) / 2.0, rtol=1e-5, atol=1e-6)
    (found,) = compute("SoftplusGradExt", DY, X, Fixed(2.0), Fixed(20.0), results=[SHAPE])
    np.testing.assert_allclose(found, DY * sigmoid(2.0 * X), rtol=1e-5, atol=1e-6)


def test_a_threshold_that_would_show_is_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        operators("SoftplusExt", X, Fixed(1.0), Fixed(3.0), results=[SHAPE])
    assert [problem.code for problem in caught.value.problems] == ["E202"]


def test_clamping_on_one_side_or_by_tensors() -> None:
    (found,) = compute("ClampScalar", X, Fixed(None), Fixed(0.5), results=[SHAPE])
    np.testing.assert_array_equal(found, np.minimum(X, np.float32(0.5)))
    (found,) = compute("ClampTensor", X, DY, Fixed(None), results=[SHAPE])
    np.testing.assert_array_equal(found, np.maximum(X, DY))


def test_logarithm_of_softmax_with_its_axis_as_an_argument() -> None:
    (found,) = compute("LogSoftmaxExt", X, Fixed(0), Fixed(None), results=[SHAPE])
    np.testing.assert_allclose(found, X - np.logaddexp.reduce(X.astype(np.float64), 0), rtol=1e-5, atol=1e-5)
