"""Activations that the device lacks or approximates, and gradients without a kernel.

Facts: DEVICE_RECIPES, sections 0 (G8) and 5: the device's tanh is a rational approximation with errors up to 1e-4,
which training multiplies, and its gradient of ELU is wrong; both are composed from what is exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from converter.ir import DType
from converter.ops.compose import SIGMOID, Composer
from converter.ops.context import literal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node, Value
    from converter.ops.context import Context

ELU, GELU = 4, 19
_GELU_FACTOR = 2.0 * math.sqrt(2.0 / math.pi)
_GELU_CUBIC = 0.044715
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
# tanh(softplus(20)) is 1 in float32, and the square of exp(20) still fits.
_MISH_LIMIT = 20.0
_CHANNEL_RANKS = (2, 4)


# -- tanh and what is made from sigmoids ------------------------------------------------------------------------------


def tanh(context: Context, node: Node) -> None:
    """Exact when training; the kernel, which is close where it matters, in inference."""
    if context.is_training:
        build = Composer(context, node)
        build.replace(build.tanh(node.inputs[0]))


def gelu(context: Context, node: Node) -> None:
    """The tanh form of GELU, exact when training: x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x ** 3))."""
    if not context.is_training:
        return
    build = Composer(context, node)
    build.replace(build.mul(node.inputs[0], _gelu_parts(build, node.inputs[0])[0]))


def gelu_grad(context: Context, node: Node) -> None:
    """GeLUGrad(dy, x, y): dy * (s + x * u' * s * (1 - s)), s = sigmoid(u), x * u' = 3 * u - 2 * factor * x."""
    dy, x, y = node.inputs
    build = Composer(context, node)
    build.replace(_gelu_slope(build, dy, x, _sigmoid_behind(y, x) or _gelu_parts(build, x)))


def _gelu_slope(build: Composer, dy: Value, x: Value, parts: tuple[Value, Value]) -> Value:
    chance, argument = parts
    reach = build.sub(build.mul(argument, 3.0), build.mul(x, 2.0 * _GELU_FACTOR))
    return build.mul(dy, build.add(chance, _sigmoid_grad(build, chance, reach)))


def _gelu_parts(build: Composer, x: Value) -> tuple[Value, Value]:
    """The sigmoid of the tanh form, and its argument."""
    inner = build.add(build.mul(build.square(x), _GELU_FACTOR * _GELU_CUBIC), _GELU_FACTOR)
    argument = build.mul(x, inner)
    return build.sigmoid(argument), argument


def _sigmoid_behind(y: Value, x: Value) -> tuple[Value, Value] | None:
    """The sigmoid and its argument that the forward operator already computed: y = x * sigmoid(argument)."""
    product = y.producer
    if product is None or product.op != "MulFusion" or product.inputs[0] is not x:
        return None
    maker = product.inputs[1].producer
    if maker is None or maker.op != "Activation" or maker.attrs["activation_type"] != SIGMOID:
        return None
    return product.inputs[1], maker.inputs[0]


def _sigmoid_grad(build: Composer, chance: Value, dy: Value) -> Value:
    """Gradient kernel: dy * s * (1 - s); the device wants (s, dy)."""
    return build.op("ActivationGrad", [chance, dy], activation_type=SIGMOID)


def silu_grad(build: Composer, dy: Value, x: Value) -> Value:
    """Dy * (s + x * s * (1 - s)) with s = sigmoid(x)."""
    chance = build.sigmoid(x)
    return build.mul(dy, build.add(chance, _sigmoid_grad(build, chance, x)))


# -- exponential kinds -------------------------------------------------------------------------------------------------


def elu_grad(build: Composer, dy: Value, y: Value) -> Value:
    """Dy where y is positive, dy * (y + 1) elsewhere: alpha is 1 in MindIR."""
    return build.mul(dy, build.add(build.minimum(y, 0.0), 1.0))


def selu(build: Composer, x: Value) -> Value:
    """A scaled ELU."""
    return build.mul(build.activation(ELU, x, _SELU_ALPHA), _SELU_SCALE)


def softplus(build: Composer, x: Value) -> Value:
    """log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
    return build.add(build.maximum(x, 0.0), build.op("Log1p", [build.exp(build.neg(build.abs(x)))]))


def softplus_grad(build: Composer, dy: Value, x: Value) -> Value:
    """Dy * sigmoid(x)."""
    return build.mul(dy, build.sigmoid(x))


def mish(build: Composer, x: Value) -> Value:
    """X * tanh(softplus(x)) = x * n / (n + 2), n = e ** x * (e ** x + 2)."""
    power = build.exp(build.minimum(x, _MISH_LIMIT))
    numerator = build.mul(power, build.add(power, 2.0))
    return build.mul(x, build.div(numerator, build.add(numerator, 2.0)))


def softsign(build: Composer, x: Value) -> Value:
    """X / (1 + |x|)."""
    return build.div(x, build.add(build.abs(x), 1.0))


# -- slopes that train -------------------------------------------------------------------------------------------------


def prelu(context: Context, node: Node) -> None:
    """PReLU(x, slope): the kernel takes one slope, or one per channel of a matrix or image."""
    x, slope = node.inputs
    shape = context.shape(node, x)
    count = context.shape(node, slope)
    if shape is None or count is None:
        return
    node.attrs["channel_shared"] = count in ((), (1,))
    if node.attrs["channel_shared"] or len(shape) in _CHANNEL_RANKS:
        return
    build = Composer(context, node)
    below = build.mul(build.minimum(x, 0.0), build.reshape(slope, _beside_channels(shape)))
    build.replace(build.add(build.maximum(x, 0.0), below))


def prelu_grad(context: Context, node: Node) -> None:
    """PReLUGrad(dy, x, slope) -> (dx, dslope)."""
    dy, x, slope = node.inputs
    shape, count = context.shape(node, x), context.shape(node, slope)
    if shape is None or count is None:
        return
    build = Composer(context, node)
    is_shared = count in ((), (1,))
    factor = slope if is_shared else build.reshape(slope, _beside_channels(shape))
    is_above = build.binary("Greater", x, 0.0, DType.BOOL)
    dx = build.op("Select", [is_above, dy, build.mul(dy, factor)], dy.type)
    share = build.mul(dy, build.minimum(x, 0.0))
    axes = [axis for axis in range(len(shape)) if is_shared or axis != 1]
    build.replace(dx, build.reshape(build.sum(share, axes), count))


def _beside_channels(shape: Sequence[int]) -> tuple[int, ...]:
    """Shape in which a vector of channels broadcasts."""
    return tuple(dim if axis == 1 else 1 for axis, dim in enumerate(shape))


def mish_grad(build: Composer, dy: Value, x: Value) -> Value:
    """MishGradExt(dy, x): dy * (t + x * (1 - t ** 2) * sigmoid(x)), t = tanh(softplus(x))."""
    power = build.exp(build.minimum(x, _MISH_LIMIT))
    numerator = build.mul(power, build.add(power, 2.0))
    gate = build.div(numerator, build.add(numerator, 2.0))
    rise = build.mul(build.mul(x, build.sigmoid(x)), build.sub(1.0, build.square(gate)))
    return build.mul(dy, build.add(gate, rise))


def gelu_kind(context: Context, node: Node) -> None:
    """GeluExt(x, 'none' or 'tanh')."""
    build = Composer(context, node)
    x = node.inputs[0]
    if literal_of(node.inputs[1]) == "tanh":
        build.replace(build.mul(x, _gelu_parts(build, x)[0]))
    else:
        build.replace(build.activation(GELU, x))


def gelu_kind_grad(context: Context, node: Node) -> None:
    """GeluGradExt(dy, x, 'none' or 'tanh')."""
    dy, x = node.inputs[:2]
    build = Composer(context, node)
    if literal_of(node.inputs[2]) == "tanh":
        build.replace(_gelu_slope(build, dy, x, _gelu_parts(build, x)))
    else:
        build.replace(build.op("ActivationGrad", [dy, x], activation_type=GELU))
