"""The optimizers that the device has, composed for a learning rate that changes from step to step.

The device reads the rate of an optimizer once. So the SGD node keeps a constant base rate, which SetLearningRate sets,
and the direction is multiplied by the factor between the rate of the step and the base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir.editing import set_input
from converter.ops.adapters.adam_optimizers import adam_direction
from converter.ops.adapters.optimizer_frame import compose, descend, finish, number, operand, scalar_of
from converter.ops.compose import Composer

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

# Which input of an optimizer node is its learning rate.
RATE_INPUT = {"Adam": 5, "ApplyMomentum": 2, "SGD": 2}
_SGD_GRADIENT, _SGD_RATE = 1, 2


@dataclass(frozen=True)
class Rate:
    """A learning rate that the graph computes: `base * factor`."""

    base: Value
    factor: Value


def schedule_adam(context: Context, node: Node, rate: Rate) -> None:
    """[weight, m, v, beta1 power, beta2 power, rate, beta1, beta2, epsilon, gradient]."""
    weight, m, v, power1, power2, _, beta1, beta2, epsilon, gradient = node.inputs
    build = compose(context, node)
    parts = (m, v, power1, power2, beta1, beta2, epsilon, gradient)
    is_nesterov = bool(node.attrs.get("use_nesterov"))
    direction = adam_direction(build, parts, use_nesterov=is_nesterov, factor=rate.factor)
    finish(build, descend(build, weight, direction, rate.base))


def schedule_momentum(context: Context, node: Node, rate: Rate) -> None:
    """[weight, accumulator, rate, gradient, momentum]; the rate is applied outside the accumulator."""
    weight, slot, _, gradient, momentum = node.inputs
    build = compose(context, node)
    total = build.add(build.mul(slot, operand(build, momentum)), gradient)
    build.assign(slot, total)
    if node.attrs.get("use_nesterov"):
        total = build.add(build.mul(total, operand(build, momentum)), gradient)
    finish(build, descend(build, weight, build.mul(total, rate.factor), rate.base))


def schedule_sgd(context: Context, node: Node, rate: Rate) -> None:
    """[weight, gradient, rate, accumulator, momentum, stat]; without momentum the node stays."""
    weight, gradient, _, slot, momentum, stat = node.inputs
    decay = node.attrs.get("weight_decay")
    has_momentum = scalar_of(momentum) != 0.0
    build = compose(context, node) if has_momentum else Composer(context, node)
    if isinstance(decay, float) and decay:
        gradient = build.add(gradient, build.mul(weight, number(build, decay)))
    if has_momentum:
        total = _accumulated(build, (slot, stat), gradient, momentum)
        if node.attrs.get("nesterov"):
            total = build.add(build.mul(total, operand(build, momentum)), gradient)
        finish(build, descend(build, weight, build.mul(total, rate.factor), rate.base))
        return
    scaled = build.mul(gradient, rate.factor)
    build.insert()
    node.attrs["weight_decay"] = 0.0
    set_input(node, _SGD_GRADIENT, scaled)
    set_input(node, _SGD_RATE, rate.base)


def _accumulated(build: Composer, slots: tuple[Value, Value], gradient: Value, momentum: Value) -> Value:
    """The accumulator after the step, stored; the first gradient, while stat is 1, is not dampened."""
    slot, stat = slots
    dampening = build.node.attrs.get("dampening")
    if isinstance(dampening, float) and dampening:
        share = build.add(build.mul(stat, number(build, dampening)), number(build, 1.0 - dampening))
        build.assign(stat, build.mul(stat, 0.0))
        gradient = build.mul(gradient, share)
    total = build.add(build.mul(slot, operand(build, momentum)), gradient)
    build.assign(slot, total)
    return total


SCHEDULED = {"Adam": schedule_adam, "ApplyMomentum": schedule_momentum, "SGD": schedule_sgd}
