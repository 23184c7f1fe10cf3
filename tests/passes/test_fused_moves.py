"""Transposes and reshapes in a row, products around reshapes, numbers that move up to a weight."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fused import fuse, sample
from support.graphs import constant, lite, model, numbered, value

from converter.passes.fuse.moves import shortest
from converter.passes.fuse.rules import FUSIONS
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Model, Node, Value

    Array = np.ndarray[Any, np.dtype[Any]]

PASSES = {each.name: each for each in FUSIONS}


def turned(x: Value, *order: int, name: str = "turned") -> Node:
    shape = x.type.shape or ()
    made = value(name, *(shape[axis] for axis in order))
    return lite("Transpose", [x, numbered(f"{name}_perm", np.array(order, np.int32))], [made], name)


def reshaped(x: Value, *shape: int, name: str = "reshaped") -> Node:
    return lite("Reshape", [x, numbered(f"{name}_shape", np.array(shape, np.int32))], [value(name, *shape)], name)


def chain(shape: Sequence[int], *steps: tuple[str, tuple[int, ...]]) -> list[Node]:
    """Nodes for ("Transpose", order) and ("Reshape", shape), one behind the other."""
    x, nodes = value("x", *shape), []
    for index, (kind, argument) in enumerate(steps):
        make = turned if kind == "Transpose" else reshaped
        nodes.append(make(x, *argument, name=f"n{index}"))
        x = nodes[-1].outputs[0]
    return nodes


def run(each: Model) -> Array:
    shape = each.main.inputs[0].type.shape or ()
    numbers = np.arange(prod(shape), dtype=np.float32).reshape(shape) / 7
    (found,) = Session(each).infer([numbers]).values()
    return found


T, R = "Transpose", "Reshape"
CHAINS: dict[str, tuple[Sequence[int], tuple[tuple[str, tuple[int, ...]], ...], tuple[str, ...]]] = {
    "two reshapes": ((2, 3, 5), ((R, (6, 5)), (R, (3, 10))), (R,)),
    "two transposes": ((2, 3, 5), ((T, (1, 2, 0)), (T, (2, 1, 0))), (T,)),
    "a transpose of axes of size 1": ((1, 3, 1, 5), ((T, (0, 2, 1, 3)),), (R,)),
    "there and back": ((2, 3, 5, 7), ((T, (0, 2, 3, 1)), (T, (0, 3, 1, 2)), (R, (6, 35))), (R,)),
    "image to tokens": ((2, 7, 5, 3), ((T, (0, 3, 1, 2)), (R, (2, 3, 35)), (T, (0, 2, 1))), (R,)),
    "tokens to image": ((2, 35, 3), ((T, (0, 2, 1)), (R, (2, 3, 5, 7)), (T, (0, 2, 3, 1))), (R,)),
    "a turn between reshapes": ((2, 3, 35), ((R, (6, 35)), (T, (1, 0)), (R, (5, 7, 6))), (T, R)),
    "a turn inside an axis stays": ((6, 5), ((R, (2, 3, 5)), (T, (1, 0, 2)), (R, (6, 5))), (R, T, R)),
    "nothing": ((2, 3, 5), ((R, (6, 5)), (R, (2, 3, 5)), (R, (30,))), (R,)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_moves_in_a_row_become_the_fewest(name: str) -> None:
    shape, steps, left = CHAINS[name]
    expected = run(sample(chain(shape, *steps)))
    fused = fuse(sample(chain(shape, *steps)))
    assert tuple(node.op for node in fused.main.nodes) == left
    np.testing.assert_array_equal(run(fused), expected)


@st.composite
def random_chains(draw: st.DrawFn) -> list[Node]:
    """Up to four moves of a tensor of at most 5 axes."""
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 4, 5]), min_size=1, max_size=5))
    steps: list[tuple[str, tuple[int, ...]]] = []
    now = list(shape)
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            order = draw(st.permutations(range(len(now))))
            steps.append((T, tuple(order)))
            now = [now[axis] for axis in order]
        else:
            count, rest = prod(now), []
            while count > 1:
                rest.append(draw(st.sampled_from([size for size in range(2, count + 1) if count % size == 0])))
                count //= rest[-1]
            now = rest or [1]
            steps.append((R, tuple(now)))
    return chain(shape, *steps)


@given(random_chains())
def test_the_fewest_steps_have_the_same_effect(nodes: list[Node]) -> None:
    source = nodes[0].inputs[0].type.shape or ()
    steps = shortest(source, nodes)
    if steps is None:  # a reshape cuts through what a transpose brought together
        assert {node.op for node in nodes} == {T, R}
        return
    assert len(steps) <= min(len(nodes), 3)
    moved = expected = np.arange(prod(source)).reshape(source)
    for node in nodes:
        argument = node.inputs[1].const
        assert argument is not None
        numbers = argument.array().tolist()
        expected = expected.transpose(numbers) if node.op == T else expected.reshape(numbers)
    for step in steps:
        moved = moved.transpose(step.argument) if step.op == T else moved.reshape(step.argument)
        assert moved.shape == step.shape
    np.testing.assert_array_equal(moved, expected)


def test_a_move_that_others_read_too_stays_for_them() -> None:
    first, second = chain((2, 3, 5), (T, (1, 2, 0)), (R, (15, 2)))
    third = turned(first.outputs[0], 2, 0, 1, name="back")
    each = model([first, second, third], [first.inputs[0]], [*second.outputs, *third.outputs])
    fuse(each)
    assert [node.op for node in each.main.nodes] == [T, R, T]


def test_reshapes_of_a_shared_reshape_read_what_it_reads() -> None:
    first, second = chain((2, 3, 5), (R, (6, 5)), (R, (3, 10)))
    third = reshaped(first.outputs[0], 15, 2, name="third")
    each = model([first, second, third], [first.inputs[0]], [*second.outputs, *third.outputs])
    fuse(each)
    assert [node.op for node in each.main.nodes] == [R, R]


def test_an_unknown_dimension_is_left_alone() -> None:
    x = value("x", -1, 3)
    nodes = [reshaped(x, -1, 3, 1, name="a")]
    nodes.append(reshaped(nodes[0].outputs[0], -1, 3, name="b"))
    each = fuse(model(nodes, [x], nodes[-1].outputs))
    assert len(each.main.nodes) == 2


def dense(x: Value, out: int, name: str = "dense", *, bias: bool = False) -> Node:
    *rows, inner = x.type.shape or ()
    inputs = [x, constant(f"{name}.weight", out, inner), *([constant(f"{name}.bias", out)] if bias else [])]
    return lite("MatMulFusion", inputs, [value(name, *rows, out)], name, transpose_b=True)


def tokens(*result: int) -> list[Node]:
    """Tokens [2, 7, 3] through a product of matrices."""
    first = reshaped(value("x", 2, 7, 3), 14, 3, name="rows")
    product = dense(first.outputs[0], 5, bias=True)
    return [first, product, reshaped(product.outputs[0], *result, name="back")]


@pytest.mark.parametrize(
    ("result", "left"),
    [((2, 7, 5), ("MatMulFusion",)), ((2, 7, 5, 1), ("MatMulFusion", R)), ((7, 10), ("MatMulFusion", R))],
)
def test_a_product_runs_over_leading_axes(result: tuple[int, ...], left: tuple[str, ...]) -> None:
    expected = run(sample(tokens(*result)))
    fused = fuse(sample(tokens(*result)))
    assert tuple(node.op for node in fused.main.nodes) == left
    np.testing.assert_allclose(run(fused), expected, rtol=1e-6)


def test_a_reshape_that_cuts_the_last_axis_stays_before_the_product() -> None:
    first = reshaped(value("x", 2, 7, 3), 6, 7, name="rows")
    product = dense(first.outputs[0], 5)
    each = fuse(sample([first, product, reshaped(product.outputs[0], 2, 3, 5, name="back")]))
    assert [node.op for node in each.main.nodes] == [R, "MatMulFusion", R]


def attention(op: str = "MulFusion", *, swapped: bool = False) -> list[Node]:
    """Scores `(x w)ᵀ-wise (x w') / √d` of two heads."""
    x = value("x", 2, 7, 3)
    query, key = dense(x, 10, "query", bias=True), dense(x, 10, "key")
    heads = [reshaped(each.outputs[0], 2, 7, 2, 5, name=f"{each.name}/heads") for each in (query, key)]
    sides = [turned(each.outputs[0], 0, 2, 1, 3, name=f"{each.name}/side") for each in heads]
    pair = [side.outputs[0] for side in sides]
    scores = lite("MatMulFusion", pair, [value("scores", 2, 2, 7, 7)], "scores", transpose_b=True)
    factor = numbered("factor", np.array(0.25, np.float32))
    inputs = [factor, *scores.outputs] if swapped else [*scores.outputs, factor]
    scaled = lite(op, inputs, [value("scaled", 2, 2, 7, 7)], "scaled")
    return [query, key, *heads, *sides, scores, scaled]


@pytest.mark.parametrize(("op", "swapped"), [("MulFusion", False), ("MulFusion", True), ("RealDiv", False)])
def test_a_number_moves_up_to_a_weight(op: str, swapped: bool) -> None:
    expected = run(sample(attention(op, swapped=swapped)))
    fused = fuse(sample(attention(op, swapped=swapped)))
    assert not any(node.op in ("MulFusion", "RealDiv") for node in fused.main.nodes)
    assert len(fused.main.nodes) == 7
    np.testing.assert_allclose(run(fused), expected, rtol=2e-6, atol=2e-6)


def test_a_number_over_a_product_stays_where_it_is() -> None:
    fused = fuse(sample(attention("RealDiv", swapped=True)))
    assert fused.main.nodes[-1].op == "RealDiv"


def test_a_number_stays_where_somebody_else_reads_the_query() -> None:
    nodes = attention()
    each = sample(nodes)
    each.main.outputs.append(nodes[2].outputs[0])
    assert fuse(each).main.nodes[-1].op == "MulFusion"
