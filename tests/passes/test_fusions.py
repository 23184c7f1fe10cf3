"""Fusions: fewer nodes and the same numbers, and where they must leave a graph alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.fused import CASES, IMAGE, conv, padded, relu, then, vector
from support.graphs import constant, lite, model, numbered, value

from converter.passes.fold.constants import fold_constants
from converter.passes.fuse.rules import FUSIONS
from converter.passes.layout.channels_last import channels_last
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model, Node, Value

    Array = np.ndarray[Any, np.dtype[Any]]

PASSES = {each.name: each for each in FUSIONS}
_NCHW = (0, 3, 1, 2)
_NHWC = (0, 2, 3, 1)


def run(each: Model) -> list[Array]:
    """Outputs on repeatable numbers, in MindIR's layout."""
    inputs = []
    for source in each.main.inputs:
        shape = source.type.shape or ()
        numbers = np.random.default_rng(11).normal(size=[shape[a] for a in _NCHW] if len(shape) == 4 else shape)
        inputs.append(numbers.astype(np.float32).transpose(_NHWC) if len(shape) == 4 else numbers.astype(np.float32))
    return list(Session(each).infer(inputs).values())


def placed(each: Model) -> Model:
    """The model as the device runs it."""
    fold_constants(each)
    channels_last(each)
    return each


def operators(each: Model) -> tuple[str, ...]:
    return tuple(node.op for node in each.main.nodes)


@pytest.mark.parametrize("name", CASES)
def test_a_fusion_leaves_fewer_nodes_and_the_same_numbers(name: str) -> None:
    case = CASES[name]
    expected = run(placed(case.model()))
    fused = case.model()
    for each in case.passes:
        assert PASSES[each].run(fused)
    assert operators(fused) == case.left
    for found, wanted in zip(run(placed(fused)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5)


def optimizer(weight: Value, name: str = "optimizer") -> Node:
    """Something that writes a variable."""
    return lite("Assign", [weight, constant("new", *(weight.type.shape or ()), seed=13)], [value(name, 1)], name)


def everything(x: Value) -> tuple[Node, Node, Node]:
    first = conv(x)
    biased = then(first, "BiasAdd", vector(5))
    return first, biased, relu(biased)


def with_a_second_reader(x: Value) -> tuple[list[Node], list[Value]]:
    first, biased, active = everything(x)
    return [first, biased, active, other := lite("Neg", first.outputs)], [*active.outputs, *other.outputs]


def with_an_inner_output(x: Value) -> tuple[list[Node], list[Value]]:
    first, biased, active = everything(x)
    return [first, biased, active], [*first.outputs, *active.outputs]


def with_a_trained_kernel(x: Value) -> tuple[list[Node], list[Value]]:
    first, biased, active = everything(x)
    return [first, biased, active, optimizer(first.inputs[1])], list(active.outputs)


def with_a_trained_bias(x: Value) -> tuple[list[Node], list[Value]]:
    first, biased, active = everything(x)
    return [first, biased, active, optimizer(biased.inputs[1])], list(active.outputs)


def behind_a_trained_weight(x: Value) -> tuple[list[Node], list[Value]]:
    scale = vector(1, name="scale")
    before = lite("MulFusion", [x, scale], name="before")
    first, biased, active = everything(before.outputs[0])
    return [before, first, biased, active, optimizer(scale)], list(active.outputs)


def with_a_kernel_that_a_gradient_reads(x: Value) -> tuple[list[Node], list[Value]]:
    first, biased, active = everything(x)
    gradient = lite("Neg", [first.inputs[1]], [value("dx", 5, 3, 3, 3)], "Gradients/Neg")
    moving = vector(3, name="moving")
    return [first, biased, active, gradient, optimizer(moving)], [*active.outputs, *gradient.outputs]


def inside_the_loss(x: Value) -> tuple[list[Node], list[Value]]:
    first, biased, active = everything(x)
    for node in (first, biased, active):
        node.name = f"Default/_loss_fn-Net/{node.op}"
    return [first, biased, active, optimizer(vector(3, name="moving"))], list(active.outputs)


def along_the_columns(x: Value) -> tuple[list[Node], list[Value]]:
    first = conv(x)
    added = then(first, "AddFusion", vector(5, name="columns"))
    return [first, added], list(added.outputs)


def with_a_computed_bias(x: Value) -> tuple[list[Node], list[Value]]:
    first = conv(x)
    bias = lite("ReduceFusion", [x, numbered("axes", np.array([0, 2, 3], np.int32))], [value("mean", 3)], mode=0)
    longer = lite("Concat", [*bias.outputs, numbered("two", np.ones(2, np.float32))], [value("five", 5)])
    added = then(first, "BiasAdd", *longer.outputs)
    return [first, bias, longer, added], list(added.outputs)


def after_an_activation(x: Value) -> tuple[list[Node], list[Value]]:
    first = conv(x)
    first.attrs["activation_type"] = 1
    added = then(first, "BiasAdd", vector(5))
    return [first, added], list(added.outputs)


def with_a_sigmoid(x: Value) -> tuple[list[Node], list[Value]]:
    first = conv(x)
    active = then(first, "Activation", activation_type=2)
    return [first, active], list(active.outputs)


def divided_by_zero(x: Value) -> tuple[list[Node], list[Value]]:
    first = conv(x)
    divided = then(first, "RealDiv", numbered("zero", np.zeros((5, 1, 1), np.float32)))
    return [first, divided], list(divided.outputs)


def with_a_shared_kernel(x: Value) -> tuple[list[Node], list[Value]]:
    first, second = conv(x), conv(x, name="second")
    second.inputs[1].users.clear()
    second.inputs = (x, first.inputs[1])
    first.inputs[1].users.append(second)
    scaled = then(first, "ScaleFusion", vector(5), axis=3)
    return [first, second, scaled], [*second.outputs, *scaled.outputs]


def with_a_border_of_ones(x: Value) -> tuple[list[Node], list[Value]]:
    nodes = padded(x, (0, 0), (0, 0), (1, 2), (3, 0), number=1.0)
    return nodes, list(nodes[-1].outputs)


def with_a_border_as_wide_as_the_kernel(x: Value) -> tuple[list[Node], list[Value]]:
    nodes = padded(x, (0, 0), (0, 0), (1, 2), (3, 0))
    return nodes, list(nodes[-1].outputs)


def with_padded_channels(x: Value) -> tuple[list[Node], list[Value]]:
    nodes = padded(x, (0, 0), (0, 2), (1, 2), (3, 0))
    return nodes, list(nodes[-1].outputs)


def with_a_cut_border(x: Value) -> tuple[list[Node], list[Value]]:
    nodes = padded(x, (0, 0), (0, 0), (-1, 2), (3, 0))
    return nodes, list(nodes[-1].outputs)


REFUSALS = {
    "an inner value has a second reader": (with_a_second_reader, 4),
    "an inner value is an output": (with_an_inner_output, 3),
    "the kernel trains": (with_a_trained_kernel, 4),
    "the bias trains": (with_a_trained_bias, 4),
    "a weight before it trains": (behind_a_trained_weight, 5),
    "a gradient reads the kernel": (with_a_kernel_that_a_gradient_reads, 5),
    "it is part of the loss": (inside_the_loss, 4),
    "the constant goes along the columns": (along_the_columns, 2),
    "the bias is computed": (with_a_computed_bias, 4),
    "an activation stands between": (after_an_activation, 2),
    "no kernel applies the activation": (with_a_sigmoid, 2),
    "a divisor is zero": (divided_by_zero, 2),
    "the kernel would be stored twice": (with_a_shared_kernel, 3),
    "the border is not zero": (with_a_border_of_ones, 2),
    "a window would lie in the border as a whole": (with_a_border_as_wide_as_the_kernel, 2),
    "channels are padded": (with_padded_channels, 2),
    "the border is cut": (with_a_cut_border, 2),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_fusion_leaves_a_place_alone(reason: str) -> None:
    build, count = REFUSALS[reason]
    x = value("x", *IMAGE)
    nodes, outputs = build(x)
    sample = model(nodes, [x], outputs)
    for _ in range(2):
        for each in FUSIONS:
            each.run(sample)
    assert len(sample.main.nodes) == count
