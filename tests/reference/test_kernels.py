"""Kernels beyond what the records cover: definitions in float64 on prime shapes, and what each refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from kernel_calls import call, compute, numbers

from converter.errors import ConversionError
from converter.mslite.schema import PRIMITIVE_NAMES
from converter.reference import approximations, sums
from converter.reference.kernels import KERNELS

if TYPE_CHECKING:
    from collections.abc import Callable

RELU, SIGMOID, RELU6, ELU, LEAKY, SOFTSIGN, SOFTPLUS, TANH, HSWISH, HSIGMOID = 1, 2, 3, 4, 5, 8, 9, 10, 12, 13
HARD_TANH, SWISH, GELU = 16, 18, 19


def test_every_kernel_has_a_name_of_the_schema() -> None:
    assert set(KERNELS) <= set(PRIMITIVE_NAMES.values())


@pytest.mark.parametrize(
    ("approximate", "exact"),
    [(approximations.exp, math.exp), (approximations.sigmoid, lambda x: 1 / (1 + math.exp(-x)))],
)
def test_approximations_stay_near_the_function(
    approximate: Callable[[np.ndarray], np.ndarray], exact: Callable[[float], float]
) -> None:
    x = np.linspace(-80, 80, 1009, dtype=np.float32)
    wanted = np.array([exact(float(value)) for value in x])
    assert (np.abs(approximate(x) / wanted - 1) < 4e-6 + 4e-7 * np.abs(x)).all()


def test_tanh_is_off_by_what_the_device_is_off() -> None:
    points = np.array([2, 3, 4, 5, 6], np.float32)
    gap = np.abs(approximations.tanh(points) - np.tanh(points.astype(np.float64)))
    assert gap[0] < 2e-7
    assert 5e-7 < gap[1] < 2e-6
    assert 1e-5 < gap[2] < 2e-5
    assert 5e-5 < gap[3] < 2e-4
    assert approximations.tanh(points)[-1] == 1


def test_erf_is_exact_to_float32() -> None:
    x = np.linspace(-6, 6, 601, dtype=np.float32)
    np.testing.assert_allclose(approximations.erf(x), [math.erf(value) for value in x], rtol=2e-7, atol=1e-9)


ACTIVATIONS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    RELU: lambda x: np.maximum(x, 0),
    SIGMOID: lambda x: 1 / (1 + np.exp(-x)),
    RELU6: lambda x: np.clip(x, 0, 6),
    ELU: lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)),
    LEAKY: lambda x: np.where(x > 0, x, 0.5 * x),
    SOFTSIGN: lambda x: x / (1 + np.abs(x)),
    SOFTPLUS: lambda x: np.log1p(np.exp(x)),
    TANH: np.tanh,
    HSWISH: lambda x: x * np.clip(x + 3, 0, 6) / 6,
    HSIGMOID: lambda x: np.clip(x + 3, 0, 6) / 6,
    HARD_TANH: lambda x: np.clip(x, -0.25, 0.75),
    SWISH: lambda x: x / (1 + np.exp(-x)),
    GELU: lambda x: x * np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x]),
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activation(kind: int) -> None:
    x = numbers(101) * 2
    got = compute("Activation", x, activation_type=kind, alpha=0.5, min_val=-0.25, max_val=0.75)
    np.testing.assert_allclose(
        got, ACTIVATIONS[kind](x.astype(np.float64)), rtol=1e-5, atol=2e-4 if kind == TANH else 2e-6
    )


@pytest.mark.parametrize("kind", [RELU, RELU6, LEAKY, SIGMOID, TANH, HSWISH, HSIGMOID, GELU])
def test_activation_gradient_is_the_slope(kind: int) -> None:
    x, dy = numbers(97), numbers(97, seed=1)
    step = 1e-5
    wide = x.astype(np.float64)
    slope = (ACTIVATIONS[kind](wide + step) - ACTIVATIONS[kind](wide - step)) / (2 * step)
    y = ACTIVATIONS[kind](wide).astype(np.float32)
    order = {SIGMOID: (y, dy), TANH: (y, dy), HSWISH: (dy, x), HSIGMOID: (dy, x), GELU: (dy, x)}
    got = compute("ActivationGrad", *order.get(kind, (dy, y)), activation_type=kind, alpha=0.5)
    np.testing.assert_allclose(got, dy * slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("op", ["MaxPoolFusion", "AvgPoolFusion"])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_pooling_against_windows(op: str, mode: int) -> None:
    x = numbers(2, 13, 11, 3)
    got = compute(op, x, kernel_size=(3, 5), strides=(2, 3), pad_mode=mode, pad=(1, 0, 2, 1))
    pads = {0: ((1, 0), (2, 1)), 1: ((1, 1), (1, 2)), 2: ((0, 0), (0, 0))}[mode]
    padded = np.pad(x.astype(np.float64), ((0, 0), *pads, (0, 0)), constant_values=np.nan)
    reduce = np.nanmax if op == "MaxPoolFusion" else np.nanmean
    for i, j in np.ndindex(*got.shape[1:3]):
        window = padded[:, 2 * i : 2 * i + 3, 3 * j : 3 * j + 5]
        np.testing.assert_allclose(got[:, i, j], reduce(window, axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_global_and_rounded_up_pooling() -> None:
    x = numbers(2, 7, 5, 3)
    np.testing.assert_allclose(
        compute("AvgPoolFusion", x, **{"global": True}).reshape(2, 3), x.mean(axis=(1, 2)), atol=1e-6
    )
    pooled = compute("MaxPoolFusion", x, kernel_size=(2, 2), strides=(2, 2), pad=(0, 0, 0, 0), round_mode=1)
    assert pooled.shape == (2, 4, 3, 3)


@pytest.mark.parametrize("mode", [1, 2])
def test_pooling_gradients_are_adjoints(mode: int) -> None:
    x = numbers(2, 13, 11, 3)
    attrs = {"kernel_size": (3, 2), "strides": (2, 3), "pad_mode": mode}
    y = compute("MaxPoolFusion", x, **attrs)
    dy = numbers(*y.shape, seed=1)
    dx = compute("MaxPoolGrad", x, y, dy, **attrs)
    assert float(np.vdot(dx, x)) == pytest.approx(float(np.vdot(dy, y)), rel=1e-4)
    spread = compute("AvgPoolGrad", x, y, dy, **attrs)
    whole = compute("AvgPoolGrad", x, y, np.ones_like(dy), **attrs)
    assert spread.shape == x.shape
    assert float(whole.max()) <= 3 * 2 / 6
    if mode == 2:
        assert float(spread.sum()) == pytest.approx(float(dy.sum()), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("shape", [(3, 7), (2, 3, 11)])
def test_layer_norm_and_its_gradient(shape: tuple[int, ...]) -> None:
    x, gamma, beta = numbers(*shape), numbers(shape[-1], seed=1), numbers(shape[-1], seed=2)
    attrs = {"begin_norm_axis": -1, "begin_params_axis": -1, "epsilon": 1e-7}
    y, mean, var = KERNELS["LayerNormFusion"](call("LayerNormFusion", x, gamma, beta, outputs=3, **attrs))
    wide = x.astype(np.float64)
    normal = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-7)
    np.testing.assert_allclose(y, normal * gamma + beta, atol=1e-5)
    dy = numbers(*shape, seed=3)
    grads = KERNELS["LayerNormGrad"](call("LayerNormGrad", x, dy, var, mean, gamma, outputs=3, **attrs))
    scaled = dy * gamma.astype(np.float64)
    inner = scaled - scaled.mean(-1, keepdims=True) - normal * (scaled * normal).mean(-1, keepdims=True)
    np.testing.assert_allclose(grads[0], inner / np.sqrt(wide.var(-1, keepdims=True)), atol=1e-4)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(grads[1], (dy * normal).sum(axes), atol=1e-4)
    np.testing.assert_allclose(grads[2], dy.sum(axes), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax_along_any_axis(axis: int) -> None:
    x = numbers(3, 5, 7).astype(np.float64)
    wanted = np.exp(x) / np.exp(x).sum(axis, keepdims=True)
    got = compute("Softmax", x.astype(np.float32), axis=(axis,))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    np.testing.assert_allclose(compute("LogSoftmax", x.astype(np.float32), axis=axis), np.log(wanted), rtol=1e-5)


REDUCTIONS: dict[int, Callable[..., np.ndarray]] = {
    0: np.mean,
    1: np.max,
    2: np.min,
    3: np.prod,
    4: np.sum,
    5: lambda x, axis, keepdims: (x * x).sum(axis=axis, keepdims=keepdims),
    6: lambda x, axis, keepdims: np.abs(x).sum(axis=axis, keepdims=keepdims),
    8: lambda x, axis, keepdims: np.sqrt((x * x).sum(axis=axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("mode", REDUCTIONS)
@pytest.mark.parametrize("axes", [(0,), (-1,), (2, 0), ()])
@pytest.mark.parametrize("keep", [False, True])
def test_reduction(mode: int, axes: tuple[int, ...], keep: bool) -> None:
    x = numbers(3, 5, 7)
    got = compute("ReduceFusion", x, np.array(axes, np.int32), mode=mode, keep_dims=keep, coeff=1.0)
    wanted = REDUCTIONS[mode](x.astype(np.float64), axis=axes or None, keepdims=keep)
    assert got.shape == np.shape(wanted)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_sums_are_made_one_after_another() -> None:
    """1 is lost when it is added to 2^24 alone; numpy's pairs would keep the pairs of ones together."""
    x = np.array([2.0**24, *[1.0] * 128], np.float32)
    assert sums.add_up(x, 0)[0] == 2.0**24
    assert sums.total(np.stack([x, x]).T, [0]).tolist() == [[2.0**24, 2.0**24]]
    assert compute("MatMulFusion", x[None], np.ones((x.size, 3), np.float32)).tolist() == [[2.0**24] * 3]


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("sizes", [(3, 5, 7), (1, 11, 7), (7, 11, 1), (1, 13, 1), (31, 101, 37)])
def test_matmul(sizes: tuple[int, int, int], transpose_a: bool, transpose_b: bool) -> None:
    rows, inner, columns = sizes
    a, b = numbers(2, rows, inner), numbers(2, inner, columns, seed=1)
    left = np.ascontiguousarray(a.swapaxes(-1, -2)) if transpose_a else a
    right = np.ascontiguousarray(b.swapaxes(-1, -2)) if transpose_b else b
    got = compute("MatMulFusion", left, right, transpose_a=transpose_a, transpose_b=transpose_b)
    np.testing.assert_allclose(got, a.astype(np.float64) @ b, atol=5e-5)


def test_strided_slice_masks() -> None:
    x = numbers(5, 7, 11)

    def sliced(begin: list[int], end: list[int], strides: list[int], **masks: int) -> np.ndarray:
        arrays = [np.array(part, np.int32) for part in (begin, end, strides)]
        return compute("StridedSlice", x, *arrays, **masks)

    np.testing.assert_array_equal(sliced([1, 0, 2], [4, 7, 9], [1, 2, 3]), x[1:4, 0:7:2, 2:9:3])
    np.testing.assert_array_equal(sliced([1, 5], [4, 0], [1, -2], begin_mask=1, end_mask=2), x[:4, 5::-2])
    np.testing.assert_array_equal(sliced([0, 3], [1, 4], [1, 1], shrink_axis_mask=3), x[0, 3])
    np.testing.assert_array_equal(
        sliced([0, 0, 2], [0, 0, 3], [1, 1, 1], new_axis_mask=1, ellipsis_mask=2), x[None, ..., 2:3]
    )


def test_movement_kernels() -> None:
    x = numbers(2, 3, 5)
    np.testing.assert_array_equal(compute("Concat", x, x, axis=-1), np.concatenate([x, x], -1))
    np.testing.assert_array_equal(compute("Stack", x, x, axis=1), np.stack([x, x], 1))
    np.testing.assert_array_equal(compute("TileFusion", x, np.array([1, 2, 3], np.int32)), np.tile(x, (1, 2, 3)))
    np.testing.assert_array_equal(compute("Reshape", x, np.array([0, -1], np.int32)), x.reshape(2, 15))
    np.testing.assert_array_equal(
        compute("PadFusion", x, np.array([[0, 0], [1, 2], [0, 1]], np.int32)), np.pad(x, ((0, 0), (1, 2), (0, 1)))
    )
    parts = KERNELS["Split"](call("Split", x, outputs=2, axis=2, size_splits=(2, -1)))
    np.testing.assert_array_equal(parts[1], x[..., 2:])
    unstacked = KERNELS["Unstack"](call("Unstack", x, outputs=3, axis=1))
    np.testing.assert_array_equal(unstacked[2], x[:, 2])


def test_indexing_kernels() -> None:
    x, picks = numbers(7, 5), np.array([[1, 3], [6, 0]], np.int64)
    zero = np.array(0, np.int32)
    np.testing.assert_array_equal(compute("Gather", x, picks, zero), x[picks])
    np.testing.assert_array_equal(compute("GatherNd", x, np.array([[1, 2], [6, 4]], np.int32)), x[[1, 6], [2, 4]])
    hot = compute(
        "OneHot", np.array([1, -1, 9], np.int32), np.array(3, np.int32), np.float32(1), np.float32(0), axis=-1
    )
    np.testing.assert_array_equal(hot, [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    wrapped = compute("OneHot", np.array([-1], np.int32), np.array(3, np.int32), np.array([0, 1], np.float32), axis=-1)
    np.testing.assert_array_equal(wrapped, [[0, 0, 1]])
    segments = compute("UnsortedSegmentSum", x, np.array([2, 0, 2, 2, 1, 0, 2], np.int32), np.array(3, np.int32))
    np.testing.assert_allclose(segments[2], x[[0, 2, 3, 6]].sum(0), rtol=1e-5)
    where, values = KERNELS["ArgMaxFusion"](call("ArgMaxFusion", x, outputs=2, axis=1, keep_dims=False))
    np.testing.assert_array_equal(where, x.argmax(1))
    np.testing.assert_array_equal(values, x.max(1))


def test_blocks_move_there_and_back() -> None:
    x = numbers(3, 10, 9, 12)
    attrs = {"block_size": (2, 5), "paddings": ((1, 1), (0, 1))}
    moved = compute("SpaceToBatch", x, **attrs)
    assert moved.shape == (30, 6, 2, 12)
    np.testing.assert_array_equal(moved[0:3, 1:, :, :], x[:, 1::2, 0::5])
    back = compute("BatchToSpace", moved, block_size=(2, 5), crops=((1, 1), (0, 1)))
    np.testing.assert_array_equal(back, x)
    deep = compute("SpaceToDepth", x[:, :, :8], block_size=2)
    assert deep.shape == (3, 5, 4, 48)
    np.testing.assert_array_equal(compute("DepthToSpace", deep, block_size=2), x[:, :, :8])


def test_sequences_are_reversed_up_to_their_length() -> None:
    x = numbers(3, 7, 2)
    got = compute("ReverseSequence", x, np.array([7, 1, 3], np.int32), seq_dim=1, batch_dim=0)
    np.testing.assert_array_equal(got[0], x[0, ::-1])
    np.testing.assert_array_equal(got[1], x[1])
    np.testing.assert_array_equal(got[2], x[2, [2, 1, 0, 3, 4, 5, 6]])


def test_unique_keeps_the_order_of_first_places() -> None:
    values, places = KERNELS["Unique"](call("Unique", np.array([7, 3, 7, 5, 3], np.int32), outputs=2))
    assert values is not None
    assert places is not None
    assert values.tolist() == [7, 3, 5]
    assert places.tolist() == [0, 1, 0, 2, 1]


def test_embedding_rows_and_gates() -> None:
    table, ids = numbers(7, 5), np.array([[1, 6]], np.int32)
    np.testing.assert_array_equal(compute("EmbeddingLookupFusion", table, ids), table[ids])
    limited = compute("EmbeddingLookupFusion", table, ids, max_norm=0.5)
    assert np.linalg.norm(limited, axis=-1).max() == pytest.approx(0.5, rel=1e-5)
    x = numbers(3, 10)
    np.testing.assert_allclose(compute("GLU", x, axis=-1), x[:, :5] / (1 + np.exp(-x[:, 5:])), rtol=1e-5)
    assert compute("IsFinite", np.array([1, np.inf, np.nan], np.float32)).tolist() == [True, False, False]


@pytest.mark.parametrize("method", [0, 1])
@pytest.mark.parametrize("corners", [False, True])
def test_resize_gradient_is_the_adjoint(method: int, corners: bool) -> None:
    x = numbers(2, 5, 7, 3)
    mode = 1 if corners else 0
    y = compute("Resize", x, new_height=11, new_width=13, method=method, coordinate_transform_mode=mode)
    dy = numbers(*y.shape, seed=1)
    dx = compute("ResizeGrad", dy, x, method=method, align_corners=corners)
    assert float(np.vdot(dx, x)) == pytest.approx(float(np.vdot(dy, y)), rel=1e-4)


@pytest.mark.parametrize(
    ("dtype", "wanted"), [(np.float32, [-2.0, 1.0]), (np.int32, [-1, 1])], ids=["float32", "int32 cuts toward zero"]
)
def test_floor_division(dtype: type, wanted: list[float]) -> None:
    got = compute("FloorDiv", np.array([-3, 3], dtype), np.array([2, 2], dtype))
    assert got.tolist() == wanted


REFUSALS = {
    "Cast to bool": lambda: compute("Cast", np.array([1], np.int32), np.array(30, np.int32)),
    "Clip by attributes": lambda: compute("Clip", numbers(3), min=0.0, max=1.0),
    "OneHot of int64": lambda: compute(
        "OneHot", np.array([1]), np.array(3, np.int32), np.float32(1), np.float32(0), axis=-1
    ),
    "Gather beyond the end": lambda: compute("Gather", numbers(3), np.array([3], np.int32), np.array(0, np.int32)),
    "computed exponent": lambda: compute("PowFusion", numbers(3), numbers(1)),
    "types that differ": lambda: compute("AddFusion", numbers(3), np.zeros(3, np.int32)),
    "int32 RealDiv": lambda: compute("RealDiv", np.ones(3, np.int32), np.ones(3, np.int32)),
    "bool comparison": lambda: compute("Less", np.ones(3, np.bool_), np.ones(3, np.bool_)),
    "reshape to another size": lambda: compute("Reshape", numbers(6), np.array([4], np.int32)),
    "no permutation": lambda: compute("Transpose", numbers(2, 3), np.array([0, 0], np.int32)),
    "unknown activation": lambda: compute("Activation", numbers(3), activation_type=11),
    "Assign of int32": lambda: compute("Assign", np.ones(2, np.int32), np.ones(2, np.int32)),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_the_device_cannot_do_is_refused_at_its_node(case: str) -> None:
    with pytest.raises(ConversionError, match=r"E602(.|\n)*node: a/"):
        REFUSALS[case]()
