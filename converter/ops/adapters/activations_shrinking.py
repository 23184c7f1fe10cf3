"""Activations with a threshold or a slope of their own, and their gradients: all composed.

What 2.7 and later call ...Ext takes its settings as arguments, what came before as attributes; `_setting` reads both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType
from converter.ops.adapters.activations import softplus
from converter.ops.adapters.arithmetic import tensor_of
from converter.ops.compose import SIGMOID, Composer
from converter.ops.context import literal_of

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

ELU, LEAKY_RELU = 4, 5
_FAST_GELU = 1.702
# Beyond it, log(1 + exp(x)) is x in float32.
_STRAIGHT = 17.0


def _setting(node: Node, name: str, index: int, default: float) -> float:
    """A number by attribute name, or by position among the inputs."""
    found = node.attrs.get(name)
    if found is None and index < len(node.inputs):
        found = literal_of(node.inputs[index])
    return float(found) if isinstance(found, (int, float)) else default


def _is_beyond(build: Composer, x: Value, limit: float) -> Value:
    return build.mask("Greater", build.abs(x), limit)


def hard_shrink(context: Context, node: Node) -> None:
    """HShrink(x): x beyond the threshold, 0 within."""
    build = Composer(context, node)
    x = node.inputs[0]
    build.replace(build.mul(x, _is_beyond(build, x, _setting(node, "lambd", 1, 0.5))))


def soft_shrink(context: Context, node: Node) -> None:
    """SoftShrink(x): x moved toward zero by the threshold."""
    build = Composer(context, node)
    limit = _setting(node, "lambd", 1, 0.5)
    x = node.inputs[0]
    build.replace(build.sub(x, build.clip(x, -limit, limit)))


def shrink_grad(context: Context, node: Node) -> None:
    """HShrinkGrad, SoftShrinkGrad (dy, x): dy beyond the threshold."""
    build = Composer(context, node)
    dy, x = node.inputs[:2]
    build.replace(build.mul(dy, _is_beyond(build, x, _setting(node, "lambd", 2, 0.5))))


def celu(context: Context, node: Node) -> None:
    """CeLU(x): alpha * elu(x / alpha)."""
    build = Composer(context, node)
    alpha = _setting(node, "alpha", 1, 1.0)
    build.replace(build.mul(build.activation(ELU, build.mul(node.inputs[0], 1.0 / alpha), 1.0), alpha))


def elu_with_slope(context: Context, node: Node) -> None:
    """EluExt(x, alpha)."""
    build = Composer(context, node)
    build.replace(build.activation(ELU, node.inputs[0], _setting(node, "alpha", 1, 1.0)))


def elu_with_slope_grad(context: Context, node: Node) -> None:
    """EluGradExt(dy, x or y, alpha, is_result): dy above zero, dy * alpha * exp(x) = dy * (y + alpha) below."""
    dy, known = node.inputs[:2]
    alpha = _setting(node, "alpha", 2, 1.0)
    build = Composer(context, node)
    is_result = len(node.inputs) > 3 and bool(literal_of(node.inputs[3]))  # noqa: PLR2004 - dy, x, alpha, is_result
    below = build.add(known, alpha) if is_result else build.mul(build.exp(build.minimum(known, 0.0)), alpha)
    is_above = build.binary("Greater", known, 0.0, DType.BOOL)
    build.replace(build.op("Select", [is_above, dy, build.mul(dy, below)], dy.type))


def leaky_relu(context: Context, node: Node) -> None:
    """LeakyReLUExt(x, slope)."""
    build = Composer(context, node)
    build.replace(build.activation(LEAKY_RELU, node.inputs[0], _setting(node, "negative_slope", 1, 0.01)))


def leaky_relu_grad(context: Context, node: Node) -> None:
    """LeakyReLUGradExt(dy, x, slope, is_result): the sign of x is that of the result for a positive slope."""
    build = Composer(context, node)
    slope = _setting(node, "negative_slope", 2, 0.01)
    build.replace(build.op("ActivationGrad", node.inputs[:2], activation_type=LEAKY_RELU, alpha=slope))


def hard_tanh(context: Context, node: Node) -> None:
    """Hardtanh(x, low, high)."""
    build = Composer(context, node)
    low, high = _setting(node, "min_val", 1, -1.0), _setting(node, "max_val", 2, 1.0)
    build.replace(build.clip(node.inputs[0], low, high))


def hard_tanh_grad(context: Context, node: Node) -> None:
    """HardtanhGrad(dy, x, low, high): dy strictly between the bounds."""
    build = Composer(context, node)
    dy, x = node.inputs[:2]
    low, high = _setting(node, "min_val", 2, -1.0), _setting(node, "max_val", 3, 1.0)
    build.replace(build.mul(dy, build.mul(build.mask("Greater", x, low), build.mask("Less", x, high))))


def fast_gelu(build: Composer, x: Value) -> Value:
    """The sigmoid form of GELU: x * sigmoid(1.702 * x)."""
    return build.mul(x, build.sigmoid(build.mul(x, _FAST_GELU)))


def fast_gelu_grad(build: Composer, dy: Value, x: Value) -> Value:
    """Its gradient: dy * (s + u * s * (1 - s)), s = sigmoid(u), u = 1.702 * x."""
    argument = build.mul(x, _FAST_GELU)
    chance = build.sigmoid(argument)
    reach = build.op("ActivationGrad", [chance, argument], activation_type=SIGMOID)
    return build.mul(dy, build.add(chance, reach))


def softplus_with_slope(context: Context, node: Node) -> None:
    """SoftplusExt(x, beta, threshold): log(1 + exp(beta * x)) / beta."""
    beta = _steepness(context, node, 1)
    if beta is None:
        return
    build = Composer(context, node)
    x = node.inputs[0]
    build.replace(build.mul(softplus(build, build.mul(x, beta)), 1.0 / beta) if beta != 1.0 else softplus(build, x))


def softplus_with_slope_grad(context: Context, node: Node) -> None:
    """SoftplusGradExt(dy, x, beta, threshold): dy * sigmoid(beta * x)."""
    beta = _steepness(context, node, 2)
    if beta is None:
        return
    build = Composer(context, node)
    dy, x = node.inputs[:2]
    build.replace(build.mul(dy, build.sigmoid(build.mul(x, beta) if beta != 1.0 else x)))


def _steepness(context: Context, node: Node, index: int) -> float | None:
    """Beta; None, and a problem, when the threshold is so low that a straight line beyond it would show."""
    threshold = _setting(node, "threshold", index + 1, 20.0)
    if threshold < _STRAIGHT:
        message = f"its threshold {threshold} cannot be converted; only {_STRAIGHT} and more can"
        context.refuse("E202", node, message, "leave the threshold at its default")
        return None
    return _setting(node, "beta", index, 1.0)


def clamp(context: Context, node: Node) -> None:
    """ClampScalar, ClampTensor (x, low, high): None is no bound; the bounds may be tensors."""
    build = Composer(context, node)
    x, *bounds = node.inputs
    kind = node.outputs[0].type.dtype
    x = tensor_of(build, x, kind)
    for function, bound in zip((build.maximum, build.minimum), bounds, strict=False):
        if bound.literal is None or bound.literal.value is not None:
            x = function(x, tensor_of(build, bound, kind))
    build.replace(x)
