"""Optimizers that look at whole layers: Lamb, LARS, AdaFactor, clipping by norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType
from converter.ops.adapters.adaptive_optimizers import over_rate
from converter.ops.adapters.optimizer_frame import (
    compose,
    decayed,
    descend,
    descend_by,
    finish,
    number,
    operand,
    scalar_of,
)
from converter.ops.compose import Composer

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

# Keeps a denominator above zero where the mask beside it has already made the quotient meaningless.
_TINY = 1e-30
_FACTORED_RANK = 2


def norm(build: Composer, x: Value) -> Value:
    """Euclidean norm of all elements, a scalar."""
    return build.sqrt(build.sum(build.square(x)))


def ratio_or_one(build: Composer, top: Value, bottom: Value, is_usable: Value) -> Value:
    """`top / bottom` where the mask is 1, and 1 where it is 0."""
    quotient = build.div(build.mul(top, is_usable), bottom)
    return build.add(quotient, build.sub(1.0, is_usable))


def lamb(context: Context, node: Node) -> None:
    """[weight, m, v, rate, beta1, beta2, epsilon, decay, step, gradient]; the step counts from 1."""
    weight, m, v, rate, beta1, beta2, epsilon, decay, step, gradient = node.inputs
    build = compose(context, node)
    first = decayed(build, m, gradient, beta1)
    second = decayed(build, v, build.square(gradient), beta2)
    turn = build.cast(step, DType.FLOAT32)
    mean = build.div(first, _bias(build, beta1, turn))
    spread = build.sqrt(build.div(second, _bias(build, beta2, turn)))
    direction = build.div(mean, build.add(spread, operand(build, epsilon)))
    if scalar_of(decay) != 0.0:
        direction = build.add(direction, build.mul(weight, operand(build, decay)))
    size, length = norm(build, weight), norm(build, direction)
    is_usable = build.mask("Greater", build.mul(size, length), 0.0)
    trust = ratio_or_one(build, size, build.maximum(length, _TINY), is_usable)
    finish(build, descend(build, weight, build.mul(direction, trust), rate))


def _bias(build: Composer, beta: Value, turn: Value) -> Value:
    """`1 - beta ** turn`; the device wants constant exponents, so the power is an exponential."""
    found = scalar_of(beta)
    slope = build.log(beta) if found is None else number(build, float(np.log(np.float32(found))))
    return build.sub(1.0, build.exp(build.mul(turn, slope)))


def lars(context: Context, node: Node) -> None:
    """LARSUpdate [weight, gradient, ‖weight‖², ‖gradient‖², decay, rate]: the gradient, scaled for its layer."""
    weight, gradient, weight_square, gradient_square, decay, rate = node.inputs
    build = Composer(context, node)
    size, length = build.sqrt(weight_square), build.sqrt(gradient_square)
    bound = length
    if scalar_of(decay) != 0.0:
        bound = build.add(bound, build.mul(size, operand(build, decay)))
        gradient = build.add(gradient, build.mul(weight, operand(build, decay)))
    bound = build.add(bound, max(_number(node, "epsilon"), _TINY))
    top = build.mul(size, _number(node, "hyperpara"))
    is_usable = build.mask("Greater", build.mul(size, length), 0.0)
    trust = ratio_or_one(build, top, bound, is_usable)
    if node.attrs.get("use_clip"):
        trust = build.minimum(build.div(trust, rate), 1.0)
    build.replace(build.mul(gradient, trust))


def _number(node: Node, name: str) -> float:
    value = node.attrs[name]
    return float(value) if isinstance(value, (int, float)) else 0.0


def clip_by_norm(context: Context, node: Node) -> None:
    """`x * bound / max(‖x‖, bound)`, the norm over the given axes or all."""
    x, bound = node.inputs
    axes = node.attrs.get("axis")
    listed = axes if isinstance(axes, tuple) else () if axes is None else (axes,)
    chosen = tuple(int(axis) for axis in listed if isinstance(axis, int)) or None
    build = Composer(context, node)
    length = build.sqrt(build.sum(build.square(x), chosen, keep=chosen is not None))
    build.replace(build.mul(x, build.div(bound, build.maximum(length, bound))))


def adafactor(context: Context, node: Node) -> None:
    """FusedAdaFactor: a second moment kept as row and column means, the update clipped by its root mean square.

    [epsilons, threshold, beta1, beta2, decay, rate, gradient, weight, average, row means, column means, squares]
    """
    epsilons, threshold, beta1, beta2, decay, rate, gradient, weight, average, *squares = node.inputs
    if epsilons.const is None:
        context.refuse("E202", node, "its epsilons are computed by the graph")
        return
    small, smallest_scale = (float(each) for each in epsilons.const.array())
    build = compose(context, node)
    square = build.add(build.square(gradient), number(build, small))
    update = _normalized(build, gradient, square, beta2, squares)
    excess = build.maximum(build.div(_root_mean_square(build, update), operand(build, threshold)), 1.0)
    update = build.div(update, excess)
    fixed = scalar_of(rate)
    pace = None if fixed else rate
    if node.attrs.get("enable_scale_parameter"):
        scale = build.maximum(_root_mean_square(build, weight), smallest_scale)
        pace = scale if pace is None else build.mul(scale, pace)
    update = update if pace is None else build.mul(update, pace)
    if node.attrs.get("enable_first_moment"):
        update = decayed(build, over_rate(average, fixed) if fixed else average, update, beta1)
    if node.attrs.get("enable_weight_decay"):
        shrink = build.mul(weight, operand(build, decay))
        update = build.add(update, shrink if pace is None else build.mul(shrink, pace))
    step = descend(build, weight, update, rate) if fixed else descend_by(build, weight, update)
    finish(build, step)


def _normalized(build: Composer, gradient: Value, square: Value, beta2: Value, slots: list[Value]) -> Value:
    """The gradient over the root of its running second moment; slots are row means, column means, squares."""
    if (gradient.type.rank or 0) < _FACTORED_RANK:
        return build.div(gradient, build.sqrt(decayed(build, slots[2], square, beta2)))
    rows = decayed(build, slots[0], build.mean(square, (-1,)), beta2)
    columns = decayed(build, slots[1], build.mean(square, (-2,)), beta2)
    share = build.div(rows, build.mean(rows, (-1,), keep=True))
    shape = gradient.type.shape or ()
    tall = build.reshape(build.sqrt(share), (*shape[:-1], 1))
    wide = build.reshape(build.sqrt(columns), (*shape[:-2], 1, shape[-1]))
    return build.div(gradient, build.mul(tall, wide))


def _root_mean_square(build: Composer, x: Value) -> Value:
    return build.sqrt(build.mean(build.square(x)))
