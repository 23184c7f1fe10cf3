"""Chains of nodes that fusions shorten, each with the passes that do it and the operators that are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.passes.fuse.rules import FUSIONS
from support.graphs import constant, lite, model, numbered, value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Attr, Model, Node, Value

IMAGE = (2, 3, 11, 7)
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


def padded(x: Value, *pairs: tuple[int, int], number: float = 0.0) -> list[Node]:
    """A convolution of an image with a border."""
    shape = [size + sum(pair) for size, pair in zip(x.type.shape or (), pairs, strict=True)]
    widths = numbered("pairs", np.array(pairs, np.int32))
    pad = lite("PadFusion", [x, widths], [value("pad", *shape)], "pad", padding_mode=0, constant_value=number)
    return [pad, conv(pad.outputs[0], bias=True)]


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
    "pad, conv": Case(lambda x: padded(x, (0, 0), (0, 0), (1, 2), (2, 0)), ("fuse-pad-conv",), CONV),
}


def fuse(each: Model) -> Model:
    """All fusions, as often as one may wait for another."""
    for _ in range(3):
        for one in FUSIONS:
            one.run(each)
    return each


def sample(nodes: Sequence[Node]) -> Model:
    """A model of nodes in a row: the first one's input, the last one's outputs."""
    return model(nodes, [nodes[0].inputs[0]], nodes[-1].outputs)
