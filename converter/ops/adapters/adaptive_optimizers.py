"""RMSProp, Adagrad, Adadelta and the proximal optimizers, composed. Inputs are those of the MindSpore primitives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ops.adapters.optimizer_frame import (
    compose,
    decayed,
    descend,
    descend_by,
    finish,
    operand,
    scalar_of,
)
from converter.ops.context import constant, zeros

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.compose import Composer
    from converter.ops.context import Context


def rmsprop(context: Context, node: Node) -> None:
    """[weight, mean square, moment, rate, gradient, decay, momentum, epsilon]."""
    weight, square, moment, rate, gradient, decay, momentum, epsilon = node.inputs
    build = compose(context, node)
    mean = decayed(build, square, build.square(gradient), decay)
    direction = build.div(gradient, build.sqrt(build.add(mean, operand(build, epsilon))))
    _descend_with_momentum(build, (weight, moment, rate, momentum), direction)


def rmsprop_centered(context: Context, node: Node) -> None:
    """[weight, mean gradient, mean square, moment, gradient, rate, decay, momentum, epsilon]."""
    weight, center, square, moment, gradient, rate, decay, momentum, epsilon = node.inputs
    build = compose(context, node)
    mean_square = decayed(build, square, build.square(gradient), decay)
    mean = decayed(build, center, gradient, decay)
    variance = build.sub(mean_square, build.square(mean))
    direction = build.div(gradient, build.sqrt(build.add(variance, operand(build, epsilon))))
    _descend_with_momentum(build, (weight, moment, rate, momentum), direction)


def _descend_with_momentum(build: Composer, parts: tuple[Value, Value, Value, Value], direction: Value) -> None:
    """`moment = moment * momentum + rate * direction; weight -= moment`, with parts weight, moment, rate, momentum.

    A constant rate stays in the SGD node: the slot then holds moment / rate.
    """
    weight, moment, rate, momentum = parts
    if scalar_of(momentum) == 0.0:
        finish(build, descend(build, weight, direction, rate))
        return
    fixed = scalar_of(rate)
    if not fixed:
        total = build.add(build.mul(moment, operand(build, momentum)), build.mul(direction, rate))
        build.assign(moment, total)
        finish(build, descend_by(build, weight, total))
        return
    slot = over_rate(moment, fixed)
    total = build.add(build.mul(slot, operand(build, momentum)), direction)
    build.assign(slot, total)
    finish(build, descend(build, weight, total, rate))


def over_rate(slot: Value, rate: float) -> Value:
    """A slot that MindSpore keeps multiplied by the learning rate, without it."""
    if slot.const is None:
        return slot
    name, held = f"{slot.name}.over_rate", slot.const.array()
    if not held.any():
        return zeros(name, slot.const.shape)
    return constant(name, (held / np.float32(rate)).astype(np.float32))


def adagrad(context: Context, node: Node) -> None:
    """[weight, accumulator, rate, gradient]; the V2 form has an epsilon outside the root."""
    weight, slot, rate, gradient = node.inputs
    build = compose(context, node)
    total = slot
    if node.attrs.get("update_slots", True):
        total = build.add(slot, build.square(gradient))
        build.assign(slot, total)
    bound = build.sqrt(total)
    epsilon = node.attrs.get("epsilon")
    if isinstance(epsilon, float) and epsilon:
        bound = build.add(bound, epsilon)
    finish(build, descend(build, weight, build.div(gradient, bound), rate))


def adadelta(context: Context, node: Node) -> None:
    """[weight, accumulator, accumulated update, rate, rho, epsilon, gradient]."""
    weight, slot, updates, rate, rho, epsilon, gradient = node.inputs
    build = compose(context, node)
    total = decayed(build, slot, build.square(gradient), rho)
    top = build.sqrt(build.add(updates, operand(build, epsilon)))
    bottom = build.sqrt(build.add(total, operand(build, epsilon)))
    direction = build.mul(build.div(top, bottom), gradient)
    decayed(build, updates, build.square(direction), rho)
    finish(build, descend(build, weight, direction, rate))


def ftrl(context: Context, node: Node) -> None:
    """[weight, accumulator, linear, gradient, rate, l1, l2, power of the rate]."""
    weight, slot, linear, gradient, rate, l1, l2, power = node.inputs
    exponent = scalar_of(power)
    if exponent is None:
        context.refuse("E202", node, "its power of the learning rate is computed by the graph")
        return
    build = compose(context, node)
    total = build.add(slot, build.square(gradient))
    new, old = _power(build, total, -exponent), _power(build, slot, -exponent)
    sigma = build.div(build.sub(new, old), operand(build, rate))
    line = build.add(linear, build.sub(gradient, build.mul(sigma, weight)))
    build.assign(slot, total)
    build.assign(linear, line)
    curve = build.div(new, operand(build, rate))
    if scalar_of(l2) != 0.0:
        curve = build.add(curve, build.mul(operand(build, l2), 2.0))
    bound = operand(build, l1)
    held = build.sub(build.maximum(build.minimum(line, bound), build.neg(bound)), line)
    finish(build, descend_by(build, weight, build.sub(weight, build.div(held, curve))))


def _power(build: Composer, x: Value, exponent: float) -> Value:
    """`x ** exponent`; the usual one half has its own operator."""
    half = 0.5
    return build.sqrt(x) if exponent == half else build.power(x, exponent)


def proximal_adagrad(context: Context, node: Node) -> None:
    """[weight, accumulator, rate, l1, l2, gradient]."""
    weight, slot, rate, l1, l2, gradient = node.inputs
    build = compose(context, node)
    total = build.add(slot, build.square(gradient))
    build.assign(slot, total)
    pace = build.div(operand(build, rate), build.sqrt(total))
    _proximal_step(build, weight, (build.mul(gradient, pace), pace), (l1, l2))


def proximal_descent(context: Context, node: Node) -> None:
    """[weight, rate, l1, l2, gradient]."""
    weight, rate, l1, l2, gradient = node.inputs
    build = compose(context, node)
    pace = operand(build, rate)
    _proximal_step(build, weight, (build.mul(gradient, pace), pace), (l1, l2))


def _proximal_step(build: Composer, weight: Value, step: tuple[Value, Value], penalties: tuple[Value, Value]) -> None:
    """`p = weight - change; weight = (p - clip(p, -pace l1, pace l1)) / (1 + pace l2)`, with step change and pace."""
    change, pace = step
    new = build.sub(weight, change)
    if scalar_of(penalties[0]) != 0.0:
        bound = build.mul(pace, operand(build, penalties[0]))
        new = build.sub(new, build.maximum(build.minimum(new, bound), build.neg(bound)))
    if scalar_of(penalties[1]) != 0.0:
        new = build.div(new, build.add(build.mul(pace, operand(build, penalties[1])), 1.0))
    finish(build, descend_by(build, weight, build.sub(weight, new)))


def gradient_descent(context: Context, node: Node) -> None:
    """[weight, rate, gradient]."""
    weight, rate, gradient = node.inputs
    build = compose(context, node)
    finish(build, descend(build, weight, gradient, rate))
