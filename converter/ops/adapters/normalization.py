"""Batch and layer normalization: kernels where they keep up with training, compositions where they would not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import TensorType, Value
from converter.ir.editing import set_input, wire
from converter.ops.compose import Composer
from converter.ops.scaled import affine

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.context import Context

    Array = np.ndarray[Any, np.dtype[Any]]

_RANKS = (2, 4)
_SCALE, _OFFSET, _MEAN, _VARIANCE, _RESERVE = 1, 2, 3, 4, 5
_EPSILON_OF_GRADIENT = 1e-12


def batch_norm(context: Context, node: Node) -> None:
    """BatchNorm(x, scale, offset, moving mean, moving variance): mode 1 takes the batch and updates the moving ones.

    With moving statistics the kernel keeps the scale and offset that it has seen first, trained or not. So there:
    `y = x * s + t` with `s = scale / sqrt(variance + epsilon)` and `t = offset - mean * s`, which are computed in every
    step where scale and offset are trained, and folded where they are not.
    """
    rank = node.inputs[0].type.rank
    if rank not in _RANKS:
        context.refuse("E202", node, f"normalizes a tensor of rank {rank}; the device takes 2 or 4 axes")
        return
    if node.attrs["mode"]:
        return
    statistics = _statistics(context, node)
    if statistics is None:
        return
    mean, inverse = statistics
    build = Composer(context, node)
    scale, offset = node.inputs[_SCALE], node.inputs[_OFFSET]
    if _is_frozen(scale, node) and _is_frozen(offset, node):
        scale, offset = _scale_and_offset(node, mean, inverse)
    else:
        scale = build.mul(scale, build.constant(inverse))
        offset = build.sub(offset, build.mul(scale, build.constant(mean)))
    build.replace(_scaled(build, node.inputs[0], scale, offset), scale, scale, scale, scale)


def _scaled(build: Composer, x: Value, scale: Value, offset: Value) -> Value:
    """`x * scale + offset` per channel; the kernel for that wants to know the shape when the model is opened."""
    rank = x.type.rank or 0
    if x.type.is_static:
        return build.op("ScaleFusion", [x, scale, offset], axis=rank - 1)
    shape = (*(scale.type.shape or ()), *(1,) * (rank - 2))
    return build.add(build.mul(x, build.reshape(scale, shape)), build.reshape(offset, shape))


def _is_frozen(value: Value, node: Node) -> bool:
    """Whether a parameter is a constant that only this node reads, so that no optimizer can change it."""
    return value.const is not None and all(user is node for user in value.users)


def _scale_and_offset(node: Node, mean: Array, inverse: Array) -> tuple[Value, Value]:
    """Constants in double precision until they are written, since a convolution may take them over.

    They are not the user's numbers any more, so they do not bear the user's names.
    """
    scale, offset = node.inputs[_SCALE], node.inputs[_OFFSET]
    if scale.const is None or offset.const is None:
        message = f"the parameters of {node} are no constants"
        raise ValueError(message)
    factors = affine(scale.const, inverse)
    shift = affine(offset.const, 1.0, -mean * factors.exact())
    return (
        Value(f"{scale.name}_fused", scale.type, const=factors),
        Value(f"{offset.name}_fused", offset.type, const=shift),
    )


def batch_norm_gradient(context: Context, node: Node) -> None:
    """BatchNormGrad(dy, x, scale, mean, variance, reserve) -> (dx, dscale, doffset).

    The kernel leaves 1 / sqrt(variance + epsilon) in its variance input: harmless for batch statistics, which are made
    anew in every step, but the end of moving ones. There: `dx = dy * s`, `dscale = sum(dy * xhat)`, and
    `doffset = sum(dy)`.
    """
    if node.attrs["is_training"]:
        set_input(node, _RESERVE, node.inputs[_VARIANCE])
        return
    statistics = _statistics(context, node)
    if statistics is None:
        return
    mean, inverse = (each.astype(np.float32) for each in statistics)
    dy, x, scale, _, _, reserve = node.inputs
    axis = (dy.type.rank or 0) - 1
    build = Composer(context, node)
    results = [dy, scale, scale]
    if is_read(context, node.outputs[0]):
        is_made = reserve.producer is not None and reserve.producer.op == "MulFusion"
        factor = reserve if is_made else build.mul(scale, build.constant(inverse))
        results[0] = build.op("ScaleFusion", [dy, factor], axis=axis)
    if is_read(context, node.outputs[1]):
        factors = build.constant(inverse), build.constant(-mean * inverse)
        normal = build.op("ScaleFusion", [x, *factors], axis=axis)
        results[1] = build.op("BiasAddGrad", [build.mul(dy, normal)], scale.type)
    if is_read(context, node.outputs[2]):
        results[2] = build.op("BiasAddGrad", [dy], scale.type)
    build.replace(*results)


def _statistics(context: Context, node: Node) -> tuple[Array, Array] | None:
    """Moving mean and 1 / sqrt(moving variance + epsilon), which are constants here, in double precision."""
    mean, variance = node.inputs[_MEAN].const, node.inputs[_VARIANCE].const
    if mean is None or variance is None:
        hint = "use batch statistics, or statistics that are parameters of the network"
        context.refuse("E202", node, "normalizes by statistics that the graph computes", hint)
        return None
    inverse = 1 / np.sqrt(variance.array().astype(np.float64) + _number(node, "epsilon"))
    return mean.array().astype(np.float64), inverse


def layer_norm(context: Context, node: Node) -> None:
    """LayerNorm(x, gamma, beta) -> (y, mean, variance); the device drops the normalized axes of the statistics."""
    shape = context.ranked(node, node.inputs[0])
    if shape is None:
        return
    start = _positive_axes(node, len(shape))
    for value in node.outputs[1:]:
        value.type = TensorType(value.type.dtype, shape[:start])
    if not any(is_read(context, value) for value in node.outputs[1:]):
        wire(node, node.inputs, node.outputs[:1])


def layer_norm_gradient(context: Context, node: Node) -> None:
    """LayerNormGrad(x, dy, variance, mean, gamma) -> (dx, dgamma, dbeta).

    The kernel adds an epsilon of its own, 1e-12, to the variance. MindSpore 2.0 does the same; newer ones name the
    epsilon of the forward operator, which is added here.
    """
    shape = context.shape(node, node.inputs[0])
    if shape is None:
        return
    _positive_axes(node, len(shape))
    build = Composer(context, node)
    x, dy, variance, mean, gamma = node.inputs
    epsilon = node.attrs.pop("epsilon", 0.0)
    if isinstance(epsilon, float) and epsilon > _EPSILON_OF_GRADIENT:
        variance = build.add(variance, epsilon)
    kinds = [value.type for value in node.outputs]
    build.replace(*build.ops("LayerNormGrad", [x, dy, variance, mean, gamma], kinds, name="", **node.attrs))


def _positive_axes(node: Node, rank: int) -> int:
    """Count the axes from the front; returns the first normalized one."""
    for name in ("begin_norm_axis", "begin_params_axis"):
        node.attrs[name] = int(_number(node, name)) % rank
    return int(_number(node, "begin_norm_axis"))


def _number(node: Node, name: str) -> float:
    """A numeric attribute; 0 when it is absent."""
    value = node.attrs.get(name)
    return float(value) if isinstance(value, (int, float)) else 0.0


def is_read(context: Context, value: Value) -> bool:
    """Whether anybody wants a result; the device would compute it all the same."""
    return bool(value.users) or any(each is value for each in context.graph.outputs)
