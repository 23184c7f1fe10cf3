"""Formulas that the device has a kernel for: SiLU, hard swish, hard sigmoid, GELU, ReLU and ReLU6 from bounds."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

from converter.ir import DType, Value
from converter.ops.context import integers_of
from converter.ops.lite_fields import lite_node
from converter.passes.fuse.steps import GELU, HARD_SIGMOID, HARD_SWISH, RELU, RELU6, SIGMOID, SOFTPLUS, SWISH, TANH
from converter.passes.pattern import Anything, Either, Match, Number, number_of, op
from converter.passes.rewrite import Refusal, Replacement, Rule

if TYPE_CHECKING:
    from converter.ir import Attr
    from converter.passes.pattern import Op, Pattern
    from converter.passes.rewrite import Rewrite

X = Anything("x")


def _product(a: Pattern, b: Pattern) -> Op:
    return op("MulFusion", a, b, swaps=True, activation_type=0)


def _sum(a: Pattern, b: Pattern) -> Op:
    return op("AddFusion", a, b, swaps=True, activation_type=0)


def _times(a: Pattern, number: float) -> Either:
    """`a * number`, or `a / (1 / number)`."""
    return Either((_product(a, Number(number)), op("RealDiv|DivFusion", a, Number(1 / number))))


def _activated(a: Pattern, kind: int) -> Op:
    return op("Activation", a, activation_type=kind)


def _times_both(a: Pattern, b: Pattern, number: float) -> Either:
    """`a * b * number` in any order."""
    return Either((_times(_product(a, b), number), _product(_times(a, number), b), _product(a, _times(b, number))))


def _activation(formula: str, kind: int, **attrs: Attr) -> Rewrite:
    """A rewrite to one Activation of `x`."""

    def rewrite(match: Match) -> Replacement | Refusal:
        x = match.value("x")
        if x.type != match.result.type or x.type.dtype is not DType.FLOAT32:
            return Refusal()
        return Replacement("Activation", [x], {"activation_type": kind, **attrs}, anchor=match.root)

    rewrite.__doc__ = f"Compute `{formula}` by a kernel of its own."
    return rewrite


_AT_LEAST_0 = Either((op("Maximum", X, Number(0.0), swaps=True), _activated(X, RELU)))
_BOUND_6 = _activated(_sum(X, Number(3.0)), RELU6)
_CUBE = Either((op("PowFusion", X, Number(3.0), scale=1.0, shift=0.0), _product(_product(X, X), X)))
_CURVE = Either((_sum(X, _times(_CUBE, 0.044715)),))
_NORMAL = _sum(op("Erf", _times(X, sqrt(0.5))), Number(1.0))
_NEARLY_NORMAL = _sum(_activated(_times(_CURVE, sqrt(2 / pi)), TANH), Number(1.0))


def softplus(match: Match) -> Replacement | Refusal:
    """Compute `max(x, 0) + log(1 + e^-|x|)` by a kernel, which stops at 88, and the greater of its result and `x`."""
    x, root = match.value("x"), match.root
    if x.type != root.outputs[0].type or x.type.dtype is not DType.FLOAT32:
        return Refusal()
    made = Value(f"{root.name}/kernel", x.type, layout=x.layout)
    origin = root.origin.derived("softplus")
    before = lite_node("Activation", made.name, origin, [x], [made], {"activation_type": SOFTPLUS})
    return Replacement("Maximum", [made, x], {}, anchor=root, before=(before,))


def l2_normalize(match: Match) -> Replacement | Refusal:
    """Divide `x` by its length along the last axis, or all axes, by a kernel: `x / √max(Σ x², ε)`."""
    x, axes, least = match.value("x"), integers_of(match.value("axes")), number_of(match.value("least"))
    rank = x.type.rank or 0
    is_there = axes is not None and sorted(axis % rank for axis in axes) in ([rank - 1], list(range(rank)))
    if axes is None or not is_there or least is None or x.type != match.result.type:
        return Refusal()
    attrs: dict[str, Attr] = {"axis": tuple(sorted(axis % rank for axis in axes)), "epsilon": least}
    return Replacement("L2NormalizeFusion", [x], attrs, anchor=match.root)


_SQUARED = Either((op("Square", X), _product(X, X)))
_LENGTH = op("ReduceFusion", _SQUARED, Anything("axes"), mode=4, keep_dims=True)
_AT_LEAST = op("Maximum", _LENGTH, Anything("least"), swaps=True)
_FALLING = op("ExpFusion", op("Neg", op("Abs", X)), base=-1.0, scale=1.0, shift=0.0)
RULES = (
    Rule(
        "bound-to-relu",
        op("Maximum", X, Number(0.0), swaps=True),
        _activation("max(x, 0)", RELU),
    ),
    Rule("bounds-to-relu6", op("Minimum", _AT_LEAST_0, Number(6.0), swaps=True), _activation("x within 0…6", RELU6)),
    Rule(
        "silu",
        _product(X, _activated(X, SIGMOID)),
        _activation("x * sigmoid(x)", SWISH),
        ("SigmoidMulFusion",),
    ),
    Rule("hard-sigmoid", _times(_BOUND_6, 1 / 6), _activation("relu6(x + 3) / 6", HARD_SIGMOID)),
    Rule(
        "hard-swish",
        Either((_times_both(X, _BOUND_6, 1 / 6), _product(X, _activated(X, HARD_SIGMOID)))),
        _activation("x * relu6(x + 3) / 6", HARD_SWISH),
        ("HardSwishFusion",),
    ),
    Rule(
        "gelu",
        _times_both(X, _NORMAL, 0.5),
        _activation("x * (1 + erf(x / √2)) / 2", GELU),
        ("OnnxGeLUFusion",),
    ),
    Rule(
        "gelu-by-tanh",
        _times_both(X, _NEARLY_NORMAL, 0.5),
        _activation("x * (1 + tanh(√(2 / π) * (x + 0.044715 * x³))) / 2", GELU, approximate=True),
        ("TfGeLUFusion",),
    ),
    Rule(
        "softplus",
        _sum(Either((op("Maximum", X, Number(0.0), swaps=True), _activated(X, RELU))), op("Log1p", _FALLING)),
        softplus,
    ),
    Rule("l2-normalize", _product(X, op("Rsqrt", _AT_LEAST)), l2_normalize),
)
