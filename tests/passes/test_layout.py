"""Channels last: the fewest transposes, and the same numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import INT, constant, lite, model, numbered, value

from converter.ir import Layout, TensorType, Value
from converter.passes.layout.axes import composed, keeps_order, permuted
from converter.passes.layout.channels_last import TO_NCHW, TO_NHWC, channels_last
from converter.passes.layout.cut import SINK, SOURCE, Network
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Attr, Model, Node

    Array = np.ndarray[Any, np.dtype[Any]]
    Build = Callable[[Value], tuple[list[Node], Value]]

SHAPE = (2, 3, 5, 7)
X: Array = np.random.default_rng(11).normal(size=SHAPE).astype(np.float32)


def pool(image: Value, name: str) -> Node:
    """An identity that works channels last: pooling by windows of one pixel."""
    return lite("MaxPoolFusion", [image], name=name, kernel_size=(1, 1), strides=(1, 1), pad_mode=2)


def ints(name: str, *numbers: int | tuple[int, ...]) -> Value:
    return numbered(name, np.array(numbers, np.int32))


def made(shape: tuple[int, ...], name: str = "made") -> Value:
    return value(name, *shape)


def run(each: Model, x: Array = X) -> list[Array]:
    """Outputs for an NCHW input."""
    return list(Session(each).infer([x.transpose(TO_NHWC)]).values())


def counts(each: Model) -> Counter[str]:
    return Counter(node.op for node in each.main.nodes)


def between_pools(build: Build) -> Model:
    """x -> pool -> the nodes under test -> pool -> output: everything there can work channels last."""
    x = value("x", *SHAPE)
    first = pool(x, "first")
    nodes, result = build(first.outputs[0])
    last = pool(result, "last")
    return model([first, *nodes, last], [x], last.outputs)


def softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def one(op: str, arguments: list[Value], shape: tuple[int, ...], **attrs: Attr) -> Build:
    """Builds one node with one result."""

    def build(x: Value) -> tuple[list[Node], Value]:
        node = lite(op, [x, *arguments], [made(shape)], **attrs)
        return [node], node.outputs[0]

    return build


MOVING: dict[str, tuple[Build, Array]] = {
    "mean over the image": (
        one("ReduceFusion", [ints("axes", 2, 3)], (2, 3, 1, 1), keep_dims=True, mode=0, coeff=1.0),
        X.mean((2, 3), keepdims=True),
    ),
    "sum over channels": (
        one("ReduceFusion", [ints("axes", -3)], (2, 1, 5, 7), keep_dims=True, mode=4, coeff=1.0),
        X.sum(1, keepdims=True),
    ),
    "softmax over channels": (one("Softmax", [], SHAPE, axis=(1,)), softmax(X, 1)),
    "softmax over columns": (one("Softmax", [], SHAPE, axis=(-1,)), softmax(X, 3)),
    "pad": (
        one("PadFusion", [ints("pairs", (0, 0), (1, 0), (2, 3), (0, 5))], (2, 4, 10, 12)),
        np.pad(X, ((0, 0), (1, 0), (2, 3), (0, 5))),
    ),
    "tile": (one("TileFusion", [ints("times", 1, 2, 1, 3)], (2, 6, 5, 21)), np.tile(X, (1, 2, 1, 3))),
    "slice": (
        one("SliceFusion", [ints("begin", 0, 1, 0, 2), ints("size", 2, 2, 5, -1)], (2, 2, 5, 5), axes=(0, 1, 2, 3)),
        X[:, 1:3, :, 2:],
    ),
    "strided slice with masks": (
        one(
            "StridedSlice",
            [ints("begin", 0, 1, 4, 2), ints("end", 2, 9, 5, 6), ints("strides", 1, 1, 1, 2)],
            (2, 2, 5, 2),
            begin_mask=0b0100,
            end_mask=0b0010,
        ),
        X[:, 1:, :5, 2:6:2],
    ),
    "constant for each column": (
        one("MulFusion", [numbered("scale", np.arange(7, dtype=np.float32))], SHAPE),
        X * np.arange(7, dtype=np.float32),
    ),
    "constant for each channel and row": (
        one("AddFusion", [numbered("shift", np.arange(15, dtype=np.float32).reshape(3, 5, 1))], SHAPE),
        X + np.arange(15, dtype=np.float32).reshape(3, 5, 1),
    ),
}


@pytest.mark.parametrize("name", MOVING)
def test_an_operator_with_axes_works_channels_last(name: str) -> None:
    build, expected = MOVING[name]
    sample = between_pools(build)
    assert channels_last(sample)
    moves = counts(sample)
    assert moves["Transpose"] + moves["Reshape"] == 1, "the output alone"
    (found,) = run(sample)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_concat_and_split_follow_their_axis() -> None:
    def build(x: Value) -> tuple[list[Node], Value]:
        parts = [made((2, 1, 5, 7), "a"), made((2, 2, 5, 7), "b")]
        split = lite("Split", [x], parts, axis=1, output_num=2, size_splits=(1, 2))
        joined = lite("Concat", [parts[1], parts[0]], [made(SHAPE, "joined")], axis=1)
        return [split, joined], joined.outputs[0]

    sample = between_pools(build)
    assert channels_last(sample)
    assert counts(sample)["Transpose"] == 1
    np.testing.assert_array_equal(run(sample)[0], X[:, [1, 2, 0]])


def test_a_reduction_that_would_swap_what_is_left_stays_channels_first() -> None:
    x = value("x", *SHAPE)
    node = lite("ReduceFusion", [x, ints("axes", 2)], [made((2, 3, 7))], mode=4, coeff=1.0)
    sample = model([node], [x], node.outputs)
    assert channels_last(sample)
    assert counts(sample)["Transpose"] == 1
    np.testing.assert_allclose(run(sample)[0], X.sum(2), rtol=1e-5, atol=1e-5)


def test_a_global_mean_needs_no_transpose() -> None:
    x = value("x", *SHAPE)
    node = lite("ReduceFusion", [x, ints("axes", 2, 3)], [made((2, 3))], mode=0, coeff=1.0)
    sample = model([node], [x], node.outputs)
    assert channels_last(sample)
    assert counts(sample) == {"ReduceFusion": 1}
    np.testing.assert_allclose(run(sample)[0], X.mean((2, 3)), rtol=1e-5, atol=1e-6)


def test_a_reshape_to_one_pixel_makes_the_other_shape_instead_of_a_transpose() -> None:
    x, rows = value("x", *SHAPE), constant("rows", 2, 3)
    gate = lite("Abs", [rows], [made((2, 3), "gate")])
    pixel = lite("Reshape", [gate.outputs[0], ints("shape", 2, 3, 1, 1)], [made((2, 3, 1, 1), "pixel")])
    scaled = lite("MulFusion", [x, pixel.outputs[0]], [made(SHAPE)])
    last = pool(scaled.outputs[0], "last")
    sample = model([gate, pixel, scaled, last], [x], last.outputs)
    assert channels_last(sample)
    assert counts(sample) == {"Abs": 1, "Reshape": 1, "MulFusion": 1, "MaxPoolFusion": 1, "Transpose": 1}
    assert rows.const is not None
    np.testing.assert_allclose(run(sample)[0], X * np.abs(rows.const.array())[..., None, None], rtol=1e-6)


def test_a_computed_operand_of_fewer_axes_is_reshaped() -> None:
    x, columns = value("x", *SHAPE), constant("columns", 7)
    gate = lite("Abs", [columns], [made((7,), "gate")])
    scaled = lite("MulFusion", [pool(x, "first").outputs[0], gate.outputs[0]], [made(SHAPE)])
    last = pool(scaled.outputs[0], "last")
    sample = model([scaled.inputs[0].producer or last, gate, scaled, last], [x], last.outputs)
    assert channels_last(sample)
    assert counts(sample)["Transpose"] == 1
    assert columns.const is not None
    np.testing.assert_allclose(run(sample)[0], X * np.abs(columns.const.array()), rtol=1e-6)


@pytest.mark.parametrize("perm", [TO_NHWC, TO_NCHW, (0, 1, 3, 2), (3, 0, 2, 1), (0, 1, 2, 3)])
def test_a_transpose_of_the_user_is_merged_with_those_of_the_layout(perm: tuple[int, ...]) -> None:
    x = value("x", *SHAPE)
    first = pool(x, "first")
    moved = lite("Transpose", [first.outputs[0], ints("perm", *perm)], [made(permuted(SHAPE, perm))])
    flat = lite("Reshape", [moved.outputs[0], ints("shape", 2, 105)], [made((2, 105), "flat")])
    sample = model([first, moved, flat], [x], flat.outputs)
    assert channels_last(sample)
    assert counts(sample)["Transpose"] == (0 if perm == TO_NHWC else 1)
    np.testing.assert_array_equal(run(sample)[0], X.transpose(perm).reshape(2, 105))


def test_a_constant_read_in_both_layouts_is_stored_twice_and_never_transposed_by_a_node() -> None:
    x, weight = value("x", *SHAPE), constant("weight", *SHAPE)
    added = lite("AddFusion", [pool(x, "first").outputs[0], weight], [made(SHAPE)])
    last = pool(added.outputs[0], "last")
    flat = lite("Reshape", [weight, ints("shape", 2, 105)], [made((2, 105), "flat")])
    sample = model([added.inputs[0].producer or last, added, last, flat], [x], [*last.outputs, *flat.outputs])
    assert channels_last(sample)
    assert counts(sample)["Transpose"] == 1
    assert weight.const is not None
    found = run(sample)
    np.testing.assert_allclose(found[0], X + weight.const.array(), rtol=1e-6)
    np.testing.assert_array_equal(found[1], weight.const.array().reshape(2, 105))


def test_a_kernel_its_slot_and_its_gradient_move_together() -> None:
    x, weight, slot = value("x", *SHAPE), constant("weight", 11, 3, 3, 3), constant("slot", 11, 3, 3, 3)
    conv_attrs = {"kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1), "pad_list": (1, 1, 1, 1), "group": 1}
    conv = lite("Conv2DFusion", [x, weight], [made((2, 11, 5, 7), "y")], **conv_attrs)
    gradient = lite(
        "Conv2DBackpropFilterFusion",
        [conv.outputs[0], x, ints("shape", 11, 3, 3, 3)],
        [made((11, 3, 3, 3), "dw")],
        **conv_attrs,
    )
    rate, factor = numbered("rate", np.float32(0.1)), numbered("factor", np.float32(0.9))
    update = lite("ApplyMomentum", [weight, slot, rate, gradient.outputs[0], factor], [made((1,), "done")])
    sample = model([conv, gradient, update], [x], update.outputs)
    assert channels_last(sample)
    assert counts(sample)["Transpose"] == 0
    assert [each.type.shape for each in (weight, slot, gradient.outputs[0])] == [(11, 3, 3, 3)] * 3
    assert [weight.layout, slot.layout] == [Layout.KHWC] * 2


def test_a_graph_without_images_is_left_alone() -> None:
    x = value("x", 2, 3)
    node = lite("Abs", [x])
    sample = model([node], [x], node.outputs)
    assert not channels_last(sample)


def test_tensors_of_four_axes_that_are_no_images_stay_as_they_are() -> None:
    x = value("x", 30, 7)
    heads = lite("Reshape", [x, ints("shape", 2, 3, 5, 7)], [made(SHAPE, "heads")])
    scores = lite("Softmax", heads.outputs, [made(SHAPE, "scores")], axis=(-1,))
    flat = lite("Reshape", [scores.outputs[0], ints("back", 30, 7)], [made((30, 7), "flat")])
    assert not channels_last(model([heads, scores, flat], [x], flat.outputs))


def test_the_cut_is_the_cheapest_and_leaves_ties_with_the_source() -> None:
    net = Network()
    a, b, c, lone = (net.vertex() for _ in range(4))
    for start, end, capacity in ((SOURCE, a, 5), (a, b, 2), (b, SINK, 5), (SOURCE, c, 3), (c, SINK, 3), (a, c, 1)):
        net.edge(start, end, capacity)
    side = net.sink_side()
    assert a not in side
    assert b in side
    assert lone not in side


@pytest.mark.parametrize("seed", range(20))
def test_the_cut_agrees_with_trying_all_labellings(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = 7
    edges = [
        (int(a), int(b), int(c))
        for a, b, c in zip(
            generator.integers(0, count, 17),
            generator.integers(0, count, 17),
            generator.integers(1, 9, 17),
            strict=True,
        )
        if a != b
    ]
    net = Network()
    for _ in range(count - 2):
        net.vertex()
    for edge in edges:
        net.edge(*edge)
    labels = [{SINK, *(vertex for vertex in range(2, count) if mask >> vertex & 1)} for mask in range(0, 1 << count, 4)]

    def price(side: set[int]) -> int:
        return sum(capacity for start, end, capacity in edges if start not in side and end in side)

    side = net.sink_side()
    assert price(side) == min(map(price, labels))


def test_permutations_are_composed() -> None:
    assert composed(TO_NHWC, last_in=True, last_out=False) == (0, 1, 2, 3)
    assert composed(TO_NCHW, last_in=False, last_out=True) == (0, 1, 2, 3)
    assert composed((0, 1, 3, 2), last_in=True, last_out=True) == (0, 2, 1, 3)


def test_elements_stay_in_place_when_only_axes_of_size_one_are_passed() -> None:
    assert keeps_order((2, 3, 1, 1), TO_NHWC)
    assert keeps_order((2, 1, 5, 7), TO_NHWC)
    assert not keeps_order((2, 3, 5, 1), TO_NHWC)
    assert TensorType(INT, permuted(SHAPE, TO_NHWC)).shape == (2, 5, 7, 3)
