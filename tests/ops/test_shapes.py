"""Slices, shapes and their constants, where the recorded networks do not show them; numbers against numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import INT, constant, literal, model, node, value
from support.refusals import refusals

from converter.ir import Model, Stage, Value
from converter.ops.adapters.slicing import MASKS, cuts_of
from converter.passes.base import Modes
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import EllipsisType
    from typing import TypeAlias

    from converter.ir import Node

    Index: TypeAlias = tuple[slice | int | EllipsisType | None, ...]

Array = np.ndarray[Any, np.dtype[Any]]
TO_NHWC = (0, 2, 3, 1)
X = np.random.default_rng(3).normal(size=(3, 5, 7)).astype(np.float32)

# Python's slices and the same as begin, end, strides and the five masks.
SLICES: list[tuple[Index, tuple[Any, ...], tuple[int, ...]]] = [
    (np.s_[1:3, 0:5:2, 2:6], ((1, 0, 2), (3, 5, 6), (1, 2, 1)), (0, 0, 0, 0, 0)),
    (np.s_[:, 1:], ((0, 1), (0, 0), (1, 1)), (1, 3, 0, 0, 0)),
    (np.s_[:, -1], ((0, -1), (0, 0), (1, 1)), (1, 1, 0, 0, 2)),
    (np.s_[2, :, 3], ((2, 0, 3), (3, 0, 4), (1, 1, 1)), (2, 2, 0, 0, 5)),
    (np.s_[..., 1:-2], ((0, 1), (0, -2), (1, 1)), (0, 0, 1, 0, 0)),
    (np.s_[:, np.newaxis, 2:4], ((0, 0, 2), (0, 0, 4), (1, 1, 1)), (1, 1, 0, 2, 0)),
    (np.s_[::-1, :, 5:1:-2], ((0, 0, 5), (0, 0, 1), (-1, 1, -2)), (3, 3, 0, 0, 0)),
    (np.s_[:, :, :], ((0,), (3,), (1,)), (0, 0, 0, 0, 0)),
]


def convert(nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value]) -> Model:
    made = model(nodes, inputs, outputs, Stage.SOURCE)
    run_passes(made, PIPELINE, modes=Modes.INFERENCE, verify_each=True)
    return made


def results(converted: Model, *arrays: Array) -> list[Array]:
    """Outputs for inputs in MindIR's layout."""
    fed = [array.transpose(TO_NHWC) if array.ndim == len(TO_NHWC) else array for array in arrays]
    return list(Session(converted).infer(fed).values())


def masks_of(masks: tuple[int, ...]) -> dict[str, int]:
    return dict(zip(MASKS, masks, strict=True))


@pytest.mark.parametrize(("index", "bounds", "masks"), SLICES)
def test_a_strided_slice_takes_what_python_takes(index: Index, bounds: tuple[Any, ...], masks: tuple[int, ...]) -> None:
    x, expected = value("x", *X.shape), X[index]
    # The sum keeps a slice that takes everything from being the whole model.
    cut = node("StridedSlice", [x, *map(literal, bounds)], [value("cut", *expected.shape)], masks_of(masks))
    total = node("Add", [cut.outputs[0], cut.outputs[0]])
    converted = convert([cut, total], [x], total.outputs)
    np.testing.assert_array_equal(results(converted, X)[0], expected * 2)


@pytest.mark.parametrize(("index", "bounds", "masks"), SLICES)
def test_the_gradient_of_a_slice_puts_dy_where_it_came_from(
    index: Index, bounds: tuple[Any, ...], masks: tuple[int, ...]
) -> None:
    """MindSpore's own CPU kernel is wrong for negative strides (2.0 and 2.7), so numpy says what is right."""
    expected = np.zeros_like(X)
    gradient = np.random.default_rng(5).normal(size=X[index].shape).astype(np.float32)
    expected[index] += gradient
    dy = value("dy", *gradient.shape)
    inputs = [dy, literal(X.shape), *map(literal, bounds)]
    back = node("StridedSliceGrad", inputs, [value("dx", *X.shape)], masks_of(masks))
    np.testing.assert_array_equal(results(convert([back], [dy], back.outputs), gradient)[0], expected)


def test_the_shrunken_axis_of_a_slice_costs_no_reshape() -> None:
    x = value("x", *X.shape)
    bounds = [literal(each) for each in ((0, 2), (0, 3), (1, 1))]
    cut = node("StridedSlice", [x, *bounds], [value("cut", 3, 7)], masks_of((1, 1, 0, 0, 2)))
    assert [each.op for each in convert([cut], [x], cut.outputs).main.nodes] == ["StridedSlice"]


def test_bounds_beyond_the_axis_end_at_its_end() -> None:
    (cut,) = cuts_of((5,), [(-9, 11, 2)])
    assert (cut.begin, cut.count, cut.stride) == (0, 3, 2)


def cut_at(begin: Value) -> Node:
    """A slice from a computed place on."""
    bounds = [begin, literal((3,)), literal((1,))]
    masks = masks_of((0, 0, 0, 0, 0))
    return node("StridedSlice", [value("x", *X.shape), *bounds], [value("cut", 2, 5, 7)], masks, name="cut")


def test_computed_bounds_are_left_to_the_device() -> None:
    begin = value("begin", 1, dtype=INT)
    cut = cut_at(begin)
    converted = convert([cut], [cut.inputs[0], begin], cut.outputs)
    np.testing.assert_array_equal(results(converted, X, np.array([1], np.int32))[0], X[1:3])


def test_computed_bounds_are_refused_in_a_training_step() -> None:
    begin = value("begin", 1, dtype=INT)
    cut = cut_at(begin)
    store = node("Assign", [constant("state", 2, 5, 7), cut.outputs[0]], [value("stored", 1)])
    made = model([cut, store], [cut.inputs[0], begin], cut.outputs, Stage.SOURCE)
    (problem,) = refusals(lambda: run_passes(made, PIPELINE, modes=Modes.TRAINING))
    assert (problem.code, problem.node) == ("E202", "cut")


def test_the_last_of_several_reshapes_is_enough() -> None:
    x = value("x", *X.shape)
    first = node("Reshape", [x, literal((15, 7))], [value("first", 15, 7)], name="first")
    second = node("Reshape", [first.outputs[0], literal((105,))], [value("second", 105)], name="second")
    third = node("Reshape", [second.outputs[0], literal((-1, 3))], [value("third", 35, 3)], name="third")
    converted = convert([first, second, third], [x], third.outputs)
    assert [each.name for each in converted.main.nodes] == ["third"]
    np.testing.assert_array_equal(results(converted, X)[0], X.reshape(35, 3))


def test_a_slice_of_a_concat_is_its_part() -> None:
    a, b = value("a", 2, 7), value("b", 3, 7)
    both = node("Concat", [a, b], [value("both", 5, 7)], {"axis": 0})
    part = node("Slice", [both.outputs[0], literal((2, 0)), literal((3, 7))], [value("part", 3, 7)])
    other = node("Slice", [both.outputs[0], literal((1, 0)), literal((2, -1))], [value("other", 2, 7)], name="other")
    minus = node("Neg", part.outputs)
    converted = convert([both, part, other, minus], [a, b], [minus.outputs[0], other.outputs[0]])
    assert sorted(each.op for each in converted.main.nodes) == ["Concat", "Neg", "SliceFusion"]
    first, second = X[0, :2], X[1, :3]
    found = results(converted, first, second)
    np.testing.assert_array_equal(found[0], -second)
    np.testing.assert_array_equal(found[1], np.concatenate([first, second])[1:3])


def test_what_follows_from_shapes_is_constant() -> None:
    x = value("x", *X.shape)
    shape = node("Shape", [x], [value("shape", 3, dtype=INT)])
    rank = node("Rank", [x], [value("rank", dtype=INT)])
    size = node("Size", [x], [value("size", dtype=INT)])
    total = node("Add", [rank.outputs[0], size.outputs[0]], [value("total", dtype=INT)])
    every = node("Add", [shape.outputs[0], total.outputs[0]], [value("every", 3, dtype=INT)], name="every")
    scaled = node("Cast", [every.outputs[0], literal(43)], [value("scaled", 3)])
    wide = node("Reshape", [scaled.outputs[0], literal((3, 1, 1))], [value("wide", 3, 1, 1)])
    product = node("Mul", [x, wide.outputs[0]], [value("product", *X.shape)])
    converted = convert([shape, rank, size, total, every, scaled, wide, product], [x], product.outputs)
    assert [each.op for each in converted.main.nodes] == ["MulFusion"]
    np.testing.assert_array_equal(results(converted, X)[0], X * np.array([111, 113, 115], np.float32)[:, None, None])


def test_a_reader_through_a_move_sees_the_parameter_before_its_update() -> None:
    """The move disappears; its reader must not slip behind the Assign that comes later."""
    x, state = value("x", 7), constant("state", 7)
    assert state.const is not None
    before = state.const.array().copy()
    load = node("Load", [state], [value("loaded", 7)])
    move = node("TensorMove", load.outputs)
    assign = node("Assign", [state, x], [value("assigned", 7)], after=(load,))
    late = node("Mul", [move.outputs[0], x], [value("late", 7)])
    later = node("Mul", [late.outputs[0], late.outputs[0]], [value("later", 7)], name="later")
    made = model([load, move, assign, late, later], [x], later.outputs, Stage.SOURCE)
    run_passes(made, PIPELINE, modes=Modes.TRAINING, verify_each=True)
    session = Session(made)
    found = session.step([X[0, 0]]).outputs
    np.testing.assert_allclose(next(iter(found.values())), (before * X[0, 0]) ** 2, rtol=1e-6)
    np.testing.assert_array_equal(session.constants()["state"], X[0, 0])
