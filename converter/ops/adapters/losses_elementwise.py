"""Losses of element against element, and their gradients; the device reduces in a node of its own.

Facts: DEVICE_RECIPES, section 4. Gradients take the loss's own gradient, most often the constant 1, in the shape of the
input and divided by the number of elements when the loss is a mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import wire
from converter.ops.adapters.activations import softplus
from converter.ops.adapters.arithmetic import filled, is_variable, number_of
from converter.ops.adapters.arithmetic_selection import broadcast
from converter.ops.adapters.losses import BATCH_MEAN, MEAN, NONE
from converter.ops.compose import Composer
from converter.ops.context import literal_of, scalar_type

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

# The least normal float32: the logarithm of a chance of zero stays finite, and zero times it is zero.
_LEAST = 1.17549435e-38


def _reduced(build: Composer, values: Value, reduction: object) -> Value:
    """The loss from its elements."""
    if reduction == NONE:
        return values
    if reduction == MEAN:
        return build.mean(values)
    total = build.sum(values)
    return build.div(total, float((values.type.shape or (1,))[0])) if reduction == BATCH_MEAN else total


def _count(shape: tuple[int, ...], reduction: object) -> int:
    """What the loss's gradient is divided by."""
    if reduction == BATCH_MEAN:
        return shape[0]
    size = 1
    for dim in shape if reduction == MEAN else ():
        size *= dim
    return size


def _seed(build: Composer, dloss: Value, shape: tuple[int, ...]) -> float | Value:
    """The gradient that reaches an element: a number where it is known."""
    count = _count(shape, build.node.attrs.get("reduction"))
    number = number_of(dloss) if dloss.type.is_static and dloss.type.size == 1 else None
    if number is not None:
        return number / count
    return dloss if count == 1 else build.mul(dloss, 1.0 / count)


def _full_seed(build: Composer, dloss: Value, shape: tuple[int, ...]) -> Value:
    """The same in the shape of the input, as the gradient kernels read it."""
    seed = _seed(build, dloss, shape)
    return filled(build, shape, seed) if isinstance(seed, float) else broadcast(build, seed, shape)


def _is_given(value: Value) -> bool:
    """Whether a weight is more than None or ones."""
    if value.literal is not None or value.const is None:
        return value.literal is None
    return is_variable(value) or bool((value.const.array() != 1.0).any())


# -- binary cross entropy ----------------------------------------------------------------------------------------------


def binary_cross_entropy(_context: Context, node: Node) -> None:
    """BinaryCrossEntropy(p, y, weight): a reduced loss has one element of rank 1."""
    wire(node, [value for i, value in enumerate(node.inputs) if i < 2 or _is_given(value)])  # noqa: PLR2004 - p, y
    if node.attrs["reduction"] != NONE:
        node.outputs[0].type = scalar_type((1,))


def binary_cross_entropy_grad(_context: Context, node: Node) -> None:
    """BinaryCrossEntropyGrad(p, y, dloss, weight)."""
    wire(node, [value for i, value in enumerate(node.inputs) if i < 3 or _is_given(value)])  # noqa: PLR2004 - p, y, dloss


def logits_cross_entropy(context: Context, node: Node) -> None:
    """BCEWithLogitsLoss(x, y, weight, weight of positives)."""
    x, y, weight, positive = node.inputs[:4]
    if context.shape(node, x) is None:
        return
    build = Composer(context, node)
    if _is_given(positive):
        factor = _positive_factor(build, y, positive)
        losses = build.add(build.mul(build.sub(1.0, y), x), build.mul(factor, softplus(build, build.neg(x))))
    else:
        losses = build.op("SigmoidCrossEntropyWithLogits", [x, y])
    if _is_given(weight):
        losses = build.mul(losses, weight)
    build.replace(_reduced(build, losses, node.attrs["reduction"]))


def logits_cross_entropy_grad(context: Context, node: Node) -> None:
    """BinaryCrossEntropyWithLogitsBackward(dloss, x, y, weight, weight of positives, reduction)."""
    dloss, x, y, weight, positive = node.inputs[:5]
    shape = context.shape(node, x)
    if shape is None:
        return
    build = Composer(context, node)
    node.attrs["reduction"] = literal_of(node.inputs[5])
    if _is_given(positive):
        factor = _positive_factor(build, y, positive)
        slope = build.sub(build.sub(1.0, y), build.mul(factor, build.sub(1.0, build.sigmoid(x))))
        result = build.mul(slope, _seed(build, dloss, shape))
    else:
        result = build.op("SigmoidCrossEntropyWithLogitsGrad", [x, y, _full_seed(build, dloss, shape)])
    build.replace(build.mul(result, weight) if _is_given(weight) else result)


def _positive_factor(build: Composer, y: Value, positive: Value) -> Value:
    """1 + y * (weight - 1)."""
    return build.add(build.mul(y, build.sub(positive, 1.0)), 1.0)


# -- distances ---------------------------------------------------------------------------------------------------------


def smooth_l1(context: Context, node: Node) -> None:
    """SmoothL1Loss(x, y)."""
    if context.shape(node, node.inputs[0]) is None:
        return
    build = Composer(context, node)
    losses = build.op("SmoothL1Loss", node.inputs, beta=node.attrs["beta"])
    build.replace(_reduced(build, losses, node.attrs.get("reduction", NONE)))


def smooth_l1_grad(context: Context, node: Node) -> None:
    """SmoothL1LossGrad(x, y, dloss)."""
    x, y, dloss = node.inputs
    shape = context.shape(node, x)
    if shape is None:
        return
    build = Composer(context, node)
    seed = _full_seed(build, dloss, shape)
    build.replace(build.op("SmoothL1LossGrad", [x, y, seed], beta=node.attrs["beta"]))


def half_square(build: Composer, x: Value) -> Value:
    """L2Loss(x): half the sum of squares."""
    return build.mul(build.sum(build.square(x)), 0.5)


# -- divergences and margins -------------------------------------------------------------------------------------------


def kl_divergence(context: Context, node: Node) -> None:
    """KLDivLoss(log chances, target): target * (log(target) - log chances); nothing where the target is zero."""
    x, target = node.inputs
    if context.shape(node, x) is None:
        return
    build = Composer(context, node)
    surprise = build.sub(build.log(build.maximum(target, _LEAST)), x)
    build.replace(_reduced(build, build.mul(target, surprise), node.attrs["reduction"]))


def kl_divergence_grad(context: Context, node: Node) -> None:
    """KLDivLossGrad(dloss, log chances, target): -target * dloss."""
    dloss, x, target = node.inputs
    shape = context.shape(node, x)
    if shape is None:
        return
    build = Composer(context, node)
    seed = _seed(build, dloss, shape)
    build.replace(build.mul(target, -seed if isinstance(seed, float) else build.neg(seed)))


def soft_margin(context: Context, node: Node) -> None:
    """SoftMarginLoss(x, y): log(1 + exp(-y * x))."""
    x, y = node.inputs
    if context.shape(node, x) is None:
        return
    build = Composer(context, node)
    build.replace(_reduced(build, softplus(build, build.mul(build.neg(y), x)), node.attrs["reduction"]))


def soft_margin_grad(context: Context, node: Node) -> None:
    """SoftMarginLossGrad(x, y, dloss): -y * sigmoid(-y * x) * dloss."""
    x, y, dloss = node.inputs
    shape = context.shape(node, x)
    if shape is None:
        return
    build = Composer(context, node)
    against = build.neg(y)
    slope = build.mul(against, build.sigmoid(build.mul(against, x)))
    build.replace(build.mul(slope, _seed(build, dloss, shape)))
