"""Formulas that become one kernel: the same numbers, and near misses that stay as they are."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.fused import fuse
from support.graphs import INT, lite, model, numbered, value

from converter.ir import Value
from converter.passes.fuse.rules import FUSIONS
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Attr, Model, Node

    Array = np.ndarray[Any, np.dtype[Any]]

PASSES = {each.name: each for each in FUSIONS}
SHAPE = (2, 7, 5)
NUMBERS: Array = np.random.default_rng(3).normal(scale=3, size=SHAPE).astype(np.float32)


class Formula:
    """Nodes made by Python operators, in the order in which they are written."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def call(self, op: str, *operands: Value | float, **attrs: Attr) -> Value:
        inputs = [
            each if isinstance(each, Value) else numbered(f"c{len(self.nodes)}", np.array(each, np.float32))
            for each in operands
        ]
        like = next(each for each in operands if isinstance(each, Value))
        name = f"n{len(self.nodes)}"
        made = Value(name, like.type)
        self.nodes.append(lite(op, inputs, [made], name, **attrs))
        return made

    def mul(self, *operands: Value | float) -> Value:
        return self.call("MulFusion", *operands)

    def add(self, *operands: Value | float) -> Value:
        return self.call("AddFusion", *operands)

    def div(self, *operands: Value | float) -> Value:
        return self.call("RealDiv", *operands)

    def act(self, x: Value, kind: int) -> Value:
        return self.call("Activation", x, activation_type=kind)


def gelu(f: Formula, x: Value) -> Value:
    return f.mul(f.mul(x, 0.5), f.add(f.call("Erf", f.div(x, sqrt(2))), 1.0))


def gelu_the_other_way(f: Formula, x: Value) -> Value:
    return f.mul(0.5, f.mul(x, f.add(1.0, f.call("Erf", f.mul(x, sqrt(0.5))))))


def gelu_by_tanh(f: Formula, x: Value) -> Value:
    cube = f.mul(f.mul(x, x), x)
    return f.mul(f.mul(x, 0.5), f.add(1.0, f.act(f.mul(sqrt(2 / pi), f.add(x, f.mul(cube, 0.044715))), 10)))


def gelu_by_power(f: Formula, x: Value) -> Value:
    cube = f.call("PowFusion", x, 3.0, scale=1.0, shift=0.0)
    return f.mul(x, f.mul(0.5, f.add(1.0, f.act(f.mul(sqrt(2 / pi), f.add(x, f.mul(cube, 0.044715))), 10))))


def hard_swish(f: Formula, x: Value) -> Value:
    return f.mul(x, f.div(f.act(f.add(x, 3.0), 3), 6.0))


def hard_swish_the_other_way(f: Formula, x: Value) -> Value:
    return f.div(f.mul(f.act(f.add(3.0, x), 3), x), 6.0)


FORMS: dict[str, tuple[Callable[[Formula, Value], Value], int]] = {
    "silu": (lambda f, x: f.mul(f.act(x, 2), x), 18),
    "hard sigmoid": (lambda f, x: f.mul(f.act(f.add(x, 3.0), 3), 1 / 6), 13),
    "hard swish": (hard_swish, 12),
    "hard swish, product first": (hard_swish_the_other_way, 12),
    "gelu": (gelu, 19),
    "gelu, product first": (gelu_the_other_way, 19),
    "gelu by tanh": (gelu_by_tanh, 19),
    "gelu by tanh and power": (gelu_by_power, 19),
    "relu": (lambda f, x: f.call("Maximum", x, 0.0), 1),
    "relu6": (lambda f, x: f.call("Minimum", f.call("Maximum", x, 0.0), 6.0), 3),
}


def sample(build: Callable[[Formula, Value], Value]) -> Model:
    f, x = Formula(), value("x", *SHAPE)
    result = build(f, x)
    return model(f.nodes, [x], [result])


@pytest.mark.parametrize("name", FORMS)
def test_a_formula_becomes_its_kernel(name: str) -> None:
    build, kind = FORMS[name]
    (expected,) = Session(sample(build)).infer([NUMBERS]).values()
    fused = fuse(sample(build))
    (only,) = fused.main.nodes
    assert (only.op, only.attrs["activation_type"]) == ("Activation", kind)
    (found,) = Session(fused).infer([NUMBERS]).values()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def softplus(f: Formula, x: Value) -> Value:
    falling = f.call("ExpFusion", f.call("Neg", f.call("Abs", x)), base=-1.0, scale=1.0, shift=0.0)
    return f.add(f.call("Maximum", x, 0.0), f.call("Log1p", falling))


def test_softplus_by_its_kernel_does_not_stop_at_88() -> None:
    fused = fuse(sample(softplus))
    assert [node.op for node in fused.main.nodes] == ["Activation", "Maximum"]
    numbers = np.linspace(-120, 120, NUMBERS.size, dtype=np.float32).reshape(SHAPE)
    (found,) = Session(fused).infer([numbers]).values()
    np.testing.assert_allclose(found, np.logaddexp(0, numbers.astype(np.float64)), rtol=1e-5, atol=1e-6)


def length(x: Value, *axes: int) -> Model:
    shape = x.type.shape or ()
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    square = lite("Square", [x], name="square")
    where = numbered("axes", np.array(axes, np.int32))
    total = lite("ReduceFusion", [*square.outputs, where], [value("total", *kept)], mode=4, keep_dims=True, coeff=1.0)
    least = lite("Maximum", [*total.outputs, numbered("least", np.array(1e-4, np.float32))], name="least")
    inverse = lite("Rsqrt", least.outputs, name="inverse")
    product = lite("MulFusion", [x, *inverse.outputs], name="product")
    return model([square, total, least, inverse, product], [x], product.outputs)


@pytest.mark.parametrize(("axes", "left"), [((2,), 1), ((0, 1, 2), 1), ((1,), 5)])
def test_a_length_along_the_last_axis_has_a_kernel(axes: tuple[int, ...], left: int) -> None:
    (expected,) = Session(length(value("x", *SHAPE), *axes)).infer([NUMBERS]).values()
    fused = fuse(length(value("x", *SHAPE), *axes))
    assert len(fused.main.nodes) == left
    (found,) = Session(fused).infer([NUMBERS]).values()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


NEAR_MISSES: dict[str, Callable[[Formula, Value], Value]] = {
    "sigmoid of another value": lambda f, x: f.mul(f.act(f.call("Neg", x), 2), x),
    "another bound": lambda f, x: f.call("Minimum", f.call("Maximum", x, 0.0), 5.0),
    "another shift": lambda f, x: f.div(f.act(f.add(x, 2.5), 3), 6.0),
    "another root": lambda f, x: f.mul(f.mul(x, 0.5), f.add(f.call("Erf", f.div(x, 1.5)), 1.0)),
    "another cubic": lambda f, x: f.mul(
        f.mul(x, 0.5), f.add(1.0, f.act(f.mul(0.7978, f.add(x, f.mul(f.mul(f.mul(x, x), x), 0.05))), 10))
    ),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_a_near_miss_keeps_its_own_numbers(name: str) -> None:
    (expected,) = Session(sample(NEAR_MISSES[name])).infer([NUMBERS]).values()
    fused = fuse(sample(NEAR_MISSES[name]))
    assert len(fused.main.nodes) > 1
    (found,) = Session(fused).infer([NUMBERS]).values()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def test_integers_have_no_activation() -> None:
    x = value("x", 7, dtype=INT)
    bound = lite("Maximum", [x, numbered("zero", np.array(0, np.int32))])
    each = fuse(model([bound], [x], bound.outputs))
    assert [node.op for node in each.main.nodes] == ["Maximum"]


def test_a_sigmoid_that_somebody_else_reads_stays() -> None:
    f, x = Formula(), value("x", *SHAPE)
    gate = f.act(x, 2)
    product = f.mul(x, gate)
    each = fuse(model(f.nodes, [x], [product, gate]))
    assert [node.op for node in each.main.nodes] == ["Activation", "MulFusion"]
