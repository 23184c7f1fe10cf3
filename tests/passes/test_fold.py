"""Work that is done once instead of several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.graphs import lite, model, numbered, value

from converter.passes.fold.equal_nodes import merge_equal_nodes
from converter.passes.fold.scale_shift import fuse_scale_and_shift
from converter.reference import run

if TYPE_CHECKING:
    from converter.ir import Model, Value

X = np.linspace(-3.7, 4.1, 35, dtype=np.float32).reshape(5, 7)


def number(value_: float, *shape: int) -> Value:
    return numbered("", np.full(shape, value_, np.float32))


def ops(sample: Model) -> list[str]:
    return [node.op for node in sample.main.nodes]


# -- equal nodes ------------------------------------------------------------------------------------------------------


def twins(op: str, *names: str) -> Model:
    """Nodes that square, or drop from, the same value, and their sum."""
    x = value("x", 5, 7)
    made = [lite(op, [x], name=name) for name in names]
    total = lite("AddN", [node.outputs[0] for node in made], name="total")
    return model([*made, total], [x], total.outputs)


def test_nodes_that_compute_the_same_from_the_same_become_one() -> None:
    sample = twins("Square", "first", "second")
    before = run(sample, {"x": X})["total"]
    assert merge_equal_nodes(sample)
    assert ops(sample) == ["Square", "AddN"]
    np.testing.assert_array_equal(run(sample, {"x": X})["total"], before)


def test_equal_chains_become_one_from_their_beginning_on() -> None:
    x = value("x", 5, 7)
    first = [lite("MulFusion", [x, number(2.0)], name=name) for name in ("a", "b")]
    second = [lite("Sqrt", node.outputs, name=f"{node.name}2") for node in first]
    total = lite("AddN", [node.outputs[0] for node in second], name="total")
    sample = model([*first, *second, total], [x], total.outputs)
    assert merge_equal_nodes(sample)
    assert ops(sample) == ["MulFusion", "Sqrt", "AddN"]


@pytest.mark.parametrize("name", ["Gradients/second", "Default/network-WithLossCell/_loss_fn-L1/second"])
def test_a_node_that_the_device_knows_by_its_name_keeps_its_own(name: str) -> None:
    """Inference leaves gradients and losses out: their nodes cannot stand in for those of the network."""
    assert not merge_equal_nodes(twins("Square", "first", name))


def test_random_numbers_are_drawn_by_each_node() -> None:
    assert not merge_equal_nodes(twins("Dropout", "first", "second"))


def test_a_reader_after_the_update_is_not_the_reader_before_it() -> None:
    weight, gradient = number(3.0, 5, 7), value("gradient", 5, 7)
    early = lite("Square", [weight], name="early")
    update = lite("Assign", [weight, gradient], name="update")
    late = lite("Square", [weight], name="late")
    late.after = (update,)
    total = lite("AddN", [early.outputs[0], late.outputs[0]], name="total")
    assert not merge_equal_nodes(model([early, update, late, total], [gradient], total.outputs))


# -- scale and shift --------------------------------------------------------------------------------------------------


def scaled_and_shifted(op: str, *, is_first: bool = True) -> Model:
    x = value("x", 5, 7)
    product = lite("MulFusion", [number(2.0), x], [value("product", 5, 7)], name="product")
    operands = [product.outputs[0], number(1.0)]
    result = lite(op, operands if is_first else operands[::-1], [value("result", 5, 7)], name="result")
    return model([product, result], [x], result.outputs)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("op", ["AddFusion", "SubFusion"])
def test_one_node_scales_and_shifts_with_the_same_bits(op: str, *, is_first: bool) -> None:
    sample = scaled_and_shifted(op, is_first=is_first)
    before = run(sample, {"x": X})["result"]
    assert fuse_scale_and_shift(sample)
    assert ops(sample) == ["PowFusion"]
    np.testing.assert_array_equal(run(sample, {"x": X})["result"], before)


def test_a_number_that_a_step_changes_stays_an_operand() -> None:
    x, counter = value("x", 5, 7), number(1.0, 1)
    product = lite("MulFusion", [x, number(2.0)], name="product")
    result = lite("AddFusion", [product.outputs[0], counter], name="result")
    update = lite("Assign", [counter, number(2.0, 1)], name="update")
    assert not fuse_scale_and_shift(model([product, result, update], [x], result.outputs))


def test_a_product_with_another_reader_stays() -> None:
    sample = scaled_and_shifted("AddFusion")
    product = sample.main.nodes[0]
    other = lite("Abs", product.outputs, name="other")
    sample.main.nodes.append(other)
    sample.main.outputs.append(other.outputs[0])
    assert not fuse_scale_and_shift(sample)
