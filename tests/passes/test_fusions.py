"""Fusions: fewer nodes and the same numbers, and where they must leave a graph alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import constant, lite, model, numbered, value

from converter.passes.fold.constants import fold_constants
from converter.passes.fuse.rules import FUSIONS
from converter.passes.layout.channels_last import channels_last
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Attr, Model, Node, Value

    Array = np.ndarray[Any, np.dtype[Any]]

PASSES = {each.name: each for each in FUSIONS}
IMAGE = (2, 3, 11, 7)
_NCHW = (0, 3, 1, 2)
_NHWC = (0, 2, 3, 1)
SQUARE: dict[str, Attr] = {"stride": (1, 1), "dilation": (1, 1), "kernel_size": (3, 3), "pad_list": (0, 0, 0, 0)}


def conv(x: Value, out: int = 5, group: int = 1, name: str = "conv", bias: bool = False) -> Node:
    """A 3 by 3 convolution without padding."""
    n, channels, height, width = x.type.shape or ()
    kernel = constant(f"{name}.weight", out, channels // group, 3, 3)
    biases = [constant(f"{name}.bias", out, seed=5)] if bias else []
    made = value(name, n, out, height - 2, width - 2)
    return lite("Conv2DFusion", [x, kernel, *biases], [made], name, **SQUARE, group=group, in_channel=channels)


def deconv(x: Value, out: int = 5, group: int = 1) -> Node:
    """A 3 by 3 transposed convolution without padding."""
    n, channels, height, width = x.type.shape or ()
    kernel = constant("deconv.weight", channels, out // group, 3, 3)
    made = value("deconv", n, out, height + 2, width + 2)
    attrs: dict[str, Attr] = {**SQUARE, "in_channel": channels, "out_channel": out, "output_paddings": (0, 0)}
    return lite("Conv2dTransposeFusion", [x, kernel], [made], "deconv", **attrs, group=group)


def dense(x: Value, out: int = 5, *, is_transposed: bool = True, name: str = "dense") -> Node:
    """A product with a constant weight."""
    *rows, inner = x.type.shape or ()
    weight = constant(f"{name}.weight", *((out, inner) if is_transposed else (inner, out)))
    return lite("MatMulFusion", [x, weight], [value(name, *rows, out)], name, transpose_b=is_transposed)


def then(before: Node, op: str, *others: Value, swapped: bool = False, name: str = "", **attrs: Attr) -> Node:
    """A node that keeps the shape of what stands before it."""
    inputs = [*others, *before.outputs] if swapped else [*before.outputs, *others]
    return lite(op, inputs, [value(name or op, *(before.outputs[0].type.shape or ()))], name or op, **attrs)


def vector(count: int, *shape: int, name: str = "c", seed: int = 3) -> Value:
    """Positive numbers, one per channel."""
    numbers = np.random.default_rng(seed).uniform(0.5, 2, count).astype(np.float32)
    return numbered(name, numbers.reshape(shape or (count,)))


@dataclass(frozen=True)
class Case:
    """A chain of nodes from one input, the passes that must change it, and the operators that stay."""

    build: Callable[[Value], Sequence[Node]]
    passes: tuple[str, ...]
    left: tuple[str, ...]
    shape: tuple[int, ...] = IMAGE

    def model(self) -> Model:
        x = value("x", *self.shape)
        nodes = list(self.build(x))
        return model(nodes, [x], nodes[-1].outputs)


def chain(first: Callable[[Value], Node], *later: Callable[[Node], Node]) -> Callable[[Value], list[Node]]:
    """Nodes that follow one another."""

    def build(x: Value) -> list[Node]:
        nodes = [first(x)]
        for each in later:
            nodes.append(each(nodes[-1]))
        return nodes

    return build


def relu(before: Node) -> Node:
    return then(before, "Activation", activation_type=1)


def relu6(before: Node) -> Node:
    return then(before, "Activation", activation_type=3)


CONV, MATMUL = ("Conv2DFusion",), ("MatMulFusion",)
MATRIX = (7, 3)
CASES = {
    "conv, bias": Case(chain(conv, lambda c: then(c, "BiasAdd", vector(5))), ("fuse-conv-bias",), CONV),
    "conv, add": Case(chain(conv, lambda c: then(c, "AddFusion", vector(5, 5, 1, 1))), ("fuse-conv-bias",), CONV),
    "add, conv": Case(
        chain(conv, lambda c: then(c, "AddFusion", vector(5, 1, 5, 1, 1), swapped=True)), ("fuse-conv-bias",), CONV
    ),
    "conv, subtract": Case(chain(conv, lambda c: then(c, "SubFusion", vector(1))), ("fuse-conv-bias",), CONV),
    "subtract conv": Case(
        chain(conv, lambda c: then(c, "SubFusion", vector(5, 5, 1, 1), swapped=True)), ("fuse-conv-bias",), CONV
    ),
    "conv, batch norm": Case(
        chain(conv, lambda c: then(c, "ScaleFusion", vector(5), vector(5, seed=9), axis=3)), ("fuse-conv-scale",), CONV
    ),
    "conv, multiply": Case(chain(conv, lambda c: then(c, "MulFusion", vector(5, 5, 1, 1))), ("fuse-conv-scale",), CONV),
    "conv, divide": Case(chain(conv, lambda c: then(c, "RealDiv", vector(5, 5, 1, 1))), ("fuse-conv-scale",), CONV),
    "conv, bias, scale, bias, relu": Case(
        chain(
            conv,
            lambda c: then(c, "BiasAdd", vector(5)),
            lambda c: then(c, "ScaleFusion", vector(5, seed=8), axis=3),
            lambda c: then(c, "AddFusion", vector(5, 5, 1, 1, seed=2), name="again"),
            relu,
        ),
        ("fuse-conv-bias", "fuse-conv-scale", "fuse-conv-bias", "fuse-conv-activation"),
        CONV,
    ),
    "depthwise conv with bias, batch norm, relu6": Case(
        chain(
            lambda x: conv(x, 3, 3, bias=True),
            lambda c: then(c, "ScaleFusion", vector(3), vector(3, seed=9), axis=3),
            relu6,
        ),
        ("fuse-conv-scale", "fuse-conv-activation"),
        CONV,
    ),
    "transposed conv, batch norm, relu": Case(
        chain(deconv, lambda c: then(c, "ScaleFusion", vector(5), vector(5, seed=9), axis=3), relu),
        ("fuse-conv-scale", "fuse-conv-activation"),
        ("Conv2dTransposeFusion",),
    ),
    "matmul, bias": Case(
        chain(dense, lambda c: then(c, "BiasAdd", vector(5)), relu),
        ("fuse-matmul-bias", "fuse-matmul-activation"),
        MATMUL,
        MATRIX,
    ),
    "matmul of three axes, add": Case(
        chain(dense, lambda c: then(c, "AddFusion", vector(5))), ("fuse-matmul-bias",), MATMUL, (2, 7, 3)
    ),
    "matmul, batch norm": Case(
        chain(dense, lambda c: then(c, "ScaleFusion", vector(5), vector(5, seed=9), axis=1)),
        ("fuse-matmul-scale",),
        MATMUL,
        MATRIX,
    ),
    "matmul with rows, multiply, subtract": Case(
        chain(
            lambda x: dense(x, is_transposed=False),
            lambda c: then(c, "MulFusion", vector(5)),
            lambda c: then(c, "SubFusion", vector(1, 1)),
        ),
        ("fuse-matmul-scale", "fuse-matmul-bias"),
        MATMUL,
        MATRIX,
    ),
    "matmul, divide by a number": Case(
        chain(dense, lambda c: then(c, "RealDiv", numbered("root", np.float32(8.5).reshape(())))),
        ("fuse-matmul-scale",),
        MATMUL,
        (2, 7, 3),
    ),
    "multiply, relu6": Case(
        chain(lambda x: lite("MulFusion", [x, x]), relu6), ("fuse-elementwise-activation",), ("MulFusion",)
    ),
    "batch norm, relu": Case(
        chain(lambda x: lite("ScaleFusion", [x, vector(3), vector(3, seed=9)], axis=3), relu),
        ("fuse-elementwise-activation",),
        ("ScaleFusion",),
    ),
}


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
