"""Adam and its relatives, composed where the device has no kernel. Inputs are those of the MindSpore primitives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import ArrayTensor, Value
from converter.ops.adapters.optimizer_frame import (
    compose,
    decayed,
    descend,
    finish,
    one_minus,
    operand,
    scalar_of,
)

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.compose import Composer
    from converter.ops.context import Context


def moments(build: Composer, m: Value, v: Value, gradient: Value, betas: tuple[Value, Value]) -> tuple[Value, Value]:
    """Both moments after the step, stored: `m += (g - m)(1 - beta1)`, `v += (g² - v)(1 - beta2)`."""
    first = build.add(m, build.mul(build.sub(gradient, m), one_minus(build, betas[0])))
    build.assign(m, first)
    second = build.add(v, build.mul(build.sub(build.square(gradient), v), one_minus(build, betas[1])))
    build.assign(v, second)
    return first, second


def corrected(
    build: Composer,
    moments_now: tuple[Value, Value],
    powers: tuple[Value, Value],
    epsilon: Value,
    factor: Value | None = None,
) -> Value:
    """Adam's direction: `m / (sqrt(v) + epsilon) * sqrt(1 - beta2 power) / (1 - beta1 power) * factor`."""
    first, second = moments_now
    correction = build.div(build.sqrt(build.sub(1.0, powers[1])), build.sub(1.0, powers[0]))
    if factor is not None:
        correction = build.mul(correction, factor)
    bound = build.add(build.sqrt(second), operand(build, epsilon))
    return build.mul(build.div(first, bound), correction)


def adam_direction(
    build: Composer, inputs: tuple[Value, ...], *, use_nesterov: bool, factor: Value | None = None
) -> Value:
    """[m, v, beta1 power, beta2 power, beta1, beta2, epsilon, gradient]: slots stored, and the direction."""
    m, v, power1, power2, beta1, beta2, epsilon, gradient = inputs
    first, second = moments(build, m, v, gradient, (beta1, beta2))
    if use_nesterov:
        kept = build.mul(first, operand(build, beta1))
        first = build.add(kept, build.mul(gradient, one_minus(build, beta1)))
    return corrected(build, (first, second), (power1, power2), epsilon, factor)


def adam_step_only(context: Context, node: Node) -> None:
    """AdamNoUpdateParam: the result is what is to be added to the weight, `-rate * direction`."""
    m, v, power1, power2, rate, beta1, beta2, epsilon, gradient = node.inputs
    build = compose(context, node)
    parts = (m, v, power1, power2, beta1, beta2, epsilon, gradient)
    direction = adam_direction(build, parts, use_nesterov=bool(node.attrs.get("use_nesterov")))
    build.replace(build.neg(build.mul(direction, rate)))


def adam_weight_decay(context: Context, node: Node) -> None:
    """[weight, m, v, rate, beta1, beta2, epsilon, decay, gradient]: decoupled decay, no bias correction."""
    weight, m, v, rate, beta1, beta2, epsilon, decay, gradient = node.inputs
    build = compose(context, node)
    first = decayed(build, m, gradient, beta1)
    second = decayed(build, v, build.square(gradient), beta2)
    direction = build.div(first, build.add(build.sqrt(second), operand(build, epsilon)))
    if scalar_of(decay) != 0.0:
        direction = build.add(direction, build.mul(weight, operand(build, decay)))
    finish(build, descend(build, weight, direction, rate))


def amsgrad(context: Context, node: Node) -> None:
    """[weight, m, v, v hat, beta1 power, beta2 power, rate, gradient], the rest as attributes."""
    weight, m, v, peak, power1, power2, rate, gradient = node.inputs
    betas = [_attribute(node, name) for name in ("beta1", "beta2", "epsilon")]
    _amsgrad(context, node, (weight, m, v, peak, power1, power2, rate, *betas, gradient))


def amsgrad_v2(context: Context, node: Node) -> None:
    """[weight, m, v, v hat, beta1 power, beta2 power, rate, beta1, beta2, epsilon, gradient]."""
    _amsgrad(context, node, node.inputs)


def _amsgrad(context: Context, node: Node, inputs: tuple[Value, ...]) -> None:
    """Adam whose second moment never shrinks."""
    weight, m, v, peak, power1, power2, rate, beta1, beta2, epsilon, gradient = inputs
    build = compose(context, node)
    first, second = moments(build, m, v, gradient, (beta1, beta2))
    highest = build.maximum(peak, second)
    build.assign(peak, highest)
    finish(build, descend(build, weight, corrected(build, (first, highest), (power1, power2), epsilon), rate))


def _attribute(node: Node, name: str) -> Value:
    """A number of the node as a value; it ends as a shared constant."""
    tensor = ArrayTensor.of(np.asarray(node.attrs[name], np.float32))
    return Value(name, tensor.type, const=tensor)


def adamax(context: Context, node: Node) -> None:
    """[weight, m, v, beta1 power, rate, beta1, beta2, epsilon, gradient]: the second moment is a running maximum."""
    weight, m, v, power, rate, beta1, beta2, epsilon, gradient = node.inputs
    build = compose(context, node)
    first = decayed(build, m, gradient, beta1)
    largest = build.maximum(build.mul(v, operand(build, beta2)), build.abs(gradient))
    build.assign(v, largest)
    direction = build.div(first, build.add(largest, operand(build, epsilon)))
    finish(build, descend(build, weight, build.div(direction, build.sub(1.0, power)), rate))
