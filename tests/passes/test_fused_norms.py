"""Normalizations written out in full become LayerNorm; scales in a row become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.fused import fuse, sample
from support.graphs import constant, lite, numbered, value

from converter.passes.layout.channels_last import channels_last
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Model, Node, Value

    Array = np.ndarray[Any, np.dtype[Any]]

EPSILON = 1e-3


def ints(*numbers: int) -> Value:
    return numbered("numbers", np.array(numbers, np.int32))


def number(of: float) -> Value:
    return numbered("number", np.array(of, np.float32))


def mean(x: Value, axes: tuple[int, ...], name: str, mode: int = 0) -> Node:
    shape = x.type.shape or ()
    kept = [1 if axis in [each % len(shape) for each in axes] else size for axis, size in enumerate(shape)]
    return lite("ReduceFusion", [x, ints(*axes)], [value(name, *kept)], name, mode=mode, keep_dims=True, coeff=1.0)


def normalized(x: Value, *axes: int, by_sum: bool = False, others: tuple[int, ...] = ()) -> list[Node]:
    """(x - mean) / √(variance + ε) in single nodes."""
    middle = mean(x, axes, "middle")
    distance = lite("SubFusion", [x, *middle.outputs], name="distance")
    squares = lite("Square", distance.outputs, name="squares")
    nodes = [middle, distance, squares]
    if by_sum:
        nodes.append(mean(squares.outputs[0], axes, "total", mode=4))
        count = np.prod([(x.type.shape or ())[axis] for axis in axes])
        nodes.append(lite("RealDiv", [*nodes[-1].outputs, number(count)], name="variance"))
    else:
        nodes.append(mean(squares.outputs[0], others or axes, "variance"))
    nodes.append(lite("AddFusion", [*nodes[-1].outputs, number(EPSILON)], name="sum"))
    if by_sum:
        nodes.append(lite("Sqrt", nodes[-1].outputs, name="deviation"))
        nodes.append(lite("RealDiv", [*distance.outputs, *nodes[-1].outputs], [value("normal", *(x.type.shape or ()))]))
    else:
        nodes.append(lite("Rsqrt", nodes[-1].outputs, name="inverse"))
        nodes.append(lite("MulFusion", [*nodes[-1].outputs, *distance.outputs], [value("n", *(x.type.shape or ()))]))
    return nodes


def reshape(x: Value, *shape: int, name: str) -> Node:
    return lite("Reshape", [x, ints(*shape)], [value(name, *shape)], name)


def affine(x: Value, *shape: int) -> list[Node]:
    scale = lite("MulFusion", [x, constant("gamma", *shape)], name="scale")
    return [scale, lite("AddFusion", [*scale.outputs, constant("beta", *shape, seed=8)], name="shift")]


def layer_norm() -> list[Node]:
    nodes = normalized(value("x", 2, 7, 5), -1)
    return [*nodes, *affine(nodes[-1].outputs[0], 5)]


def two_axes() -> list[Node]:
    return normalized(value("x", 2, 7, 5), 1, 2, by_sum=True)


def group_norm(groups: int, shape: tuple[int, ...] = (2, 6, 7, 5)) -> list[Node]:
    """As MindSpore 2.0 exports it."""
    first = reshape(value("x", *shape), shape[0], groups, int(np.prod(shape[1:])) // groups, name="grouped")
    nodes = normalized(first.outputs[0], 2, by_sum=True)
    back = reshape(nodes[-1].outputs[0], *shape, name="back")
    return [first, *nodes, back, *affine(back.outputs[0], shape[1], 1, 1)]


def long_rows() -> list[Node]:
    return normalized(value("x", 2, 3, 2046), 2)


def batch_norms() -> list[Node]:
    image = value("x", 2, 3, 7, 5)
    first = lite("ScaleFusion", [image, constant("s", 3), constant("t", 3, seed=2)], name="first", axis=3)
    return [first, *affine(first.outputs[0], 3, 1, 1)]


CASES: dict[str, tuple[Callable[[], list[Node]], tuple[str, ...]]] = {
    "layer norm": (layer_norm, ("LayerNormFusion",)),
    "two axes": (two_axes, ("LayerNormFusion",)),
    "group norm": (lambda: group_norm(3), ("Reshape", "LayerNormFusion", "Reshape", "ScaleFusion")),
    "group norm of one group": (lambda: group_norm(1), ("Transpose", "LayerNormFusion", "Transpose")),
    "rows too long for parameters": (long_rows, ("Reshape", "LayerNormFusion", "Reshape")),
    "scales": (batch_norms, ("ScaleFusion",)),
}


def run(each: Model) -> Array:
    channels_last(each)
    shape = each.main.inputs[0].type.shape or ()
    numbers = np.random.default_rng(5).normal(1, 3, size=shape).astype(np.float32)
    (found,) = Session(each).infer([numbers]).values()
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_formula_becomes_the_kernel(name: str) -> None:
    build, left = CASES[name]
    expected = run(sample(build()))
    fused = fuse(sample(build()))
    assert tuple(node.op for node in fused.main.nodes) == left
    np.testing.assert_allclose(run(fused), expected, rtol=2e-5, atol=1e-5)


def leading_axis() -> list[Node]:
    return normalized(value("x", 2, 7, 5), 1)


def other_axes() -> list[Node]:
    return normalized(value("x", 2, 7, 5), 2, others=(1, 2))


def too_many_numbers() -> list[Node]:
    return normalized(value("x", 1, 3, 1 << 15), 1, 2)


def another_count() -> list[Node]:
    nodes = two_axes()
    division = next(node for node in nodes if node.name == "variance")
    division.inputs = (division.inputs[0], number(7.0))
    division.inputs[1].users.append(division)
    return nodes


REFUSALS = {
    "the axis is not the last": leading_axis,
    "mean and variance are of different axes": other_axes,
    "the variance would lose digits": too_many_numbers,
    "the sum is divided by another number": another_count,
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_formula_stays(reason: str) -> None:
    each = sample(REFUSALS[reason]())
    count = len(each.main.nodes)
    fuse(each)
    assert len(each.main.nodes) == count


def test_what_is_refused_for_a_reason_is_in_the_report_once() -> None:
    each = fuse(sample(too_many_numbers()))
    assert [note.message for note in each.notes if note.kind == "fusion"] == [
        "layer-norm: it normalizes more numbers at once than the kernel adds up exactly"
    ]


def test_numbers_alone_need_no_channels() -> None:
    x = value("x", 2, 3, 7, 5)
    scale = lite("MulFusion", [x, number(3.0)], name="scale")
    shift = lite("AddFusion", [*scale.outputs, number(2.0)], name="shift")
    assert [node.op for node in fuse(sample([scale, shift])).main.nodes] == ["MulFusion", "AddFusion"]


def test_a_rough_root_becomes_an_exact_one() -> None:
    def build() -> list[Node]:
        x = value("x", 2, 7, 5)
        size = lite("Abs", [x], name="size")
        return [
            size,
            inverse := lite("Rsqrt", size.outputs, name="r"),
            lite("MulFusion", [*inverse.outputs, x], name="p"),
        ]

    fused = fuse(sample(build()))
    assert [node.op for node in fused.main.nodes] == ["Abs", "Sqrt", "RealDiv"]
    np.testing.assert_allclose(run(fused), run(sample(build())), rtol=1e-5)


def activated(nodes: list[Node], at: int) -> list[Node]:
    """The same with a ReLU inside one of the nodes."""
    nodes[at].attrs["activation_type"] = 1
    return nodes


def unknown_rows() -> list[Node]:
    first = lite("MulFusion", [value("x", 2, 3, -1, 5), constant("s", 3, 1, 1)], name="first")
    return [first, *affine(first.outputs[0], 3, 1, 1)]


def by_a_rough_root(activation: int) -> list[Node]:
    size = lite("Abs", [value("x", 2, 7, 5)], name="size")
    inverse = lite("Rsqrt", size.outputs, name="r")
    return [size, inverse, lite("MulFusion", [*inverse.outputs, size.inputs[0]], name="p", activation_type=activation)]


def scaled_rows() -> list[Node]:
    """A normalization whose scale goes along its rows, not its columns."""
    nodes = normalized(value("x", 2, 7, 5), -1)
    return [*nodes, lite("MulFusion", [*nodes[-1].outputs, constant("rows", 7, 1)], name="scale")]


KEPT: dict[str, tuple[list[Node], tuple[str, ...]]] = {
    "merge-scales: a ReLU between": (activated(batch_norms(), 0), ("ScaleFusion", "ScaleFusion")),
    "merge-scales: rows of unknown number": (unknown_rows(), ("MulFusion", "MulFusion", "AddFusion")),
    "divide-by-root: the product has a ReLU": (by_a_rough_root(1), ("Abs", "Rsqrt", "MulFusion")),
    "scale-layer-norm: the scale goes along another axis": (scaled_rows(), ("LayerNormFusion", "MulFusion")),
}


@pytest.mark.parametrize("reason", KEPT)
def test_a_single_rule_leaves_a_place_alone(reason: str) -> None:
    nodes, left = KEPT[reason]
    assert tuple(node.op for node in fuse(sample(nodes)).main.nodes) == left
