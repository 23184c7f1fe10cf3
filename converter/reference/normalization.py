"""Batch, layer, instance and group normalization, softmax."""

from __future__ import annotations

import numpy as np

from converter.reference import approximations, sums
from converter.reference.activations import fused
from converter.reference.call import Array, Call, Outputs, axis_of, one

_F = np.float32
_TRAINED_OUTPUTS = 5
_INPUTS = 5
_IMAGE_RANK = 4
# What LayerNormGrad adds to the variance, whatever the epsilon of the forward node.
_LAYER_EPSILON = _F(1e-12)


def fused_batch_norm(call: Call) -> Outputs:
    """FusedBatchNorm(x, scale, offset, moving mean, moving variance), channels last.

    In training, with mode 1 and five outputs: batch statistics; the moving ones become (1 - m) * moving + m * batch,
    the variance unbiased for images and biased for matrices; outputs 3 and 4 are the batch mean and the biased
    variance. Otherwise the moving ones, all four parameters as they were at compile time unless the node has trained.
    """
    call.demand(len(call.inputs) >= _INPUTS, f"has {len(call.inputs)} inputs, needs 5")
    trains = call.integer("mode") == 1 and len(call.node.outputs) >= _TRAINED_OUTPUTS
    if trains and call.is_training:
        call.state["has_trained"] = True
        return _train_batch_norm(call)
    parameters = tuple(call[i] if call.state.get("has_trained") else call.frozen(i) for i in range(1, 5))
    scale, offset, mean, var = parameters
    result = _normalize(call[0], scale, offset, mean, var, call.number("epsilon"))
    return (result, *parameters) if len(call.node.outputs) >= _TRAINED_OUTPUTS else (result,)


def _normalize(x: Array, scale: Array, offset: Array, mean: Array, var: Array, epsilon: np.float32) -> Array:
    return np.asarray((x - mean) / np.sqrt(var + epsilon) * scale + offset)


def _train_batch_norm(call: Call) -> Outputs:
    x, scale, offset = call[0], call[1], call[2]
    rows = x.reshape(-1, x.shape[-1])
    mean = sums.rows(rows) / _F(len(rows))
    centered = rows - mean
    squares = sums.rows(centered * centered)
    var = squares / _F(len(rows))
    divisor = max(len(rows) - 1, 1) if x.ndim == _IMAGE_RANK else len(rows)
    old = _F(1) - call.number("momentum")
    call.updates[3] = old * call[3] + (_F(1) - old) * mean
    call.updates[4] = old * call[4] + (_F(1) - old) * (squares / _F(divisor))
    result = _normalize(x, scale, offset, mean, var, call.number("epsilon"))
    return result, scale, offset, mean, var


def batch_norm_grad(call: Call) -> Outputs:
    """(dy, x, scale, mean, var, reserve) -> (dx, dscale, dbias); leaves 1 / sqrt(var + epsilon) in its input var."""
    call.demand(len(call.inputs) >= 6, f"has {len(call.inputs)} inputs, needs 6")  # noqa: PLR2004 - those of the docstring
    dy, x, scale, mean, var = call.inputs[:5]
    call.demand(x.ndim in (2, 4), f"works on tensors of rank 2 or 4, not {x.ndim}")
    inverse = _F(1) / np.sqrt(var + call.number("epsilon"))
    call.updates[4] = inverse
    rows, centered = dy.reshape(-1, x.shape[-1]), (x - mean).reshape(-1, x.shape[-1])
    dbias, dscale = sums.rows(rows), sums.rows(rows * centered) * inverse
    dx = rows
    if call.flag("is_training") and call.is_training:
        count = _F(len(rows))
        dx = rows - (dbias / count + centered * dscale * inverse / count)
    return np.asarray(dx * (scale * inverse)).reshape(x.shape), dscale, dbias


def batch_norm(call: Call) -> Outputs:
    """BatchNorm(x, mean, var): no scale; constants are copied at compile time."""
    mean, var = call.frozen(1), call.frozen(2)
    return one((call[0] - mean) / np.sqrt(var + call.number("epsilon")))


def layer_norm(call: Call) -> Outputs:
    """LayerNormFusion(x, gamma, beta) -> (y, mean, variance) over the axes from begin_norm_axis on."""
    x = call[0]
    start = axis_of(call, call.integer("begin_norm_axis"), x.ndim)
    rows = x.reshape(*x.shape[:start], -1)
    mean = sums.mean(rows, [start])
    var = sums.mean(np.square(rows), [start]) - mean * mean
    normal = (rows - mean) * (_F(1) / np.sqrt(var + call.number("epsilon")))
    result = normal.reshape(x.shape)
    if len(call.inputs) > 2:  # noqa: PLR2004 - gamma and beta
        gamma_axis = axis_of(call, call.integer("begin_params_axis"), x.ndim)
        shape = x.shape[gamma_axis:]
        result = result * call[1].reshape(shape) + call[2].reshape(shape)
    if len(call.node.outputs) == 1:
        return one(np.asarray(result))
    shape = x.shape[:start]
    return np.asarray(result), mean.reshape(shape), np.asarray(var.reshape(shape))


def layer_norm_grad(call: Call) -> Outputs:
    """(x, dy, var, mean, gamma) -> (dx, dgamma, dbeta); the device takes powers of the variance in double precision."""
    call.demand(len(call.inputs) >= 5, f"has {len(call.inputs)} inputs, needs 5")  # noqa: PLR2004 - those of the docstring
    x, dy, gamma = call[0], call[1], call[4]
    start = axis_of(call, call.integer("begin_norm_axis"), x.ndim)
    shape = x.shape[axis_of(call, call.integer("begin_params_axis"), x.ndim) :]
    blocks = int(np.prod(x.shape[:start]))
    var = (call[2].reshape(blocks, 1) + _LAYER_EPSILON).astype(np.float64)
    centered = x.reshape(blocks, -1) - call[3].reshape(blocks, 1)
    terms = dy.reshape(blocks, -1) * np.power(var, -0.5) * centered
    dgamma = sums.add_rounded(terms.reshape(-1, *shape), 0)[0]
    dbeta = sums.add_up(dy.reshape(-1, *shape), 0).reshape(shape)
    scaled = (dy * gamma.reshape(shape)).reshape(blocks, -1)
    dx = _layer_norm_dx(scaled, centered, var)
    return dx.reshape(x.shape), dgamma, dbeta


def _layer_norm_dx(dy: Array, centered: Array, var: Array) -> Array:
    """Gradient for x by rows: through the value, the variance and the mean, in the device's order."""
    size = _F(dy.shape[1])
    by_var = sums.add_rounded(_F(-0.5) * dy * centered * np.power(var, -1.5), 1)
    by_mean, drift = sums.add_up(dy, 1), sums.add_up(_F(-2) * centered, 1)
    inverse = np.power(var, -0.5).astype(np.float32)
    part = (-inverse * by_mean + _F(1) / size * by_var * drift) * (_F(1) / size)
    return np.asarray(dy * inverse + by_var * _F(2) / size * centered + part)


def instance_norm(call: Call) -> Outputs:
    """InstanceNorm(x, gamma, beta) of NHWC images, per image and channel."""
    x = call[0]
    axes = tuple(range(1, x.ndim - 1))
    mean, var = x.mean(axis=axes, keepdims=True, dtype=np.float32), x.var(axis=axes, keepdims=True, dtype=np.float32)
    return one((x - mean) / np.sqrt(var + call.number("epsilon")) * call[1] + call[2])


def group_norm(call: Call) -> Outputs:
    """GroupNormFusion(x, gamma, beta, …): NHWC or NCHW images by the format of the input value."""
    x, groups = call[0], call.integer("num_groups")
    grouped = x.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    mean = grouped.mean(axis=(1, 3), keepdims=True, dtype=np.float32)
    var = grouped.var(axis=(1, 3), keepdims=True, dtype=np.float32)
    normal = ((grouped - mean) / np.sqrt(var + call.number("epsilon"))).reshape(x.shape)
    return one(normal * call[1] + call[2])


def _softmax_axis(call: Call) -> int:
    """The axis: a vector in Softmax, -1 when absent; a number in LogSoftmax."""
    axis = call.node.attrs.get("axis", -1)
    number = axis if isinstance(axis, int) else call.ints("axis", 1)[0]
    return axis_of(call, number, call[0].ndim)


def softmax(call: Call) -> Outputs:
    """Softmax. Along the last axis: the device's exp, times 1 / sum; along others: the exact exp, by the sum."""
    x, axis = call[0], _softmax_axis(call)
    shifted = x - x.max(axis=axis, keepdims=True)
    if axis == x.ndim - 1:
        powers = approximations.exp(shifted)
        return one(powers * (_F(1) / sums.add_up(powers, axis)))
    powers = np.exp(shifted)
    return one(powers / sums.add_up(powers, axis))


def softmax_of(x: Array, axis: int = -1) -> Array:
    """exp(x - max) by its sum, along an axis: the softmax inside the losses."""
    powers = approximations.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(powers / sums.add_up(powers, axis))


def log_softmax(call: Call) -> Outputs:
    """X - max - log(sum of the device's exp)."""
    x, axis = call[0], _softmax_axis(call)
    shifted = x - x.max(axis=axis, keepdims=True)
    return one(shifted - np.log(sums.add_up(approximations.exp(shifted), axis)))


def l2_normalize(call: Call) -> Outputs:
    """X divided by its length over the given axes (all without axes)."""
    x = call[0]
    axes = call.ints("axis") if call.has("axis") else tuple(range(x.ndim))
    squares = np.square(x).sum(axis=axes, keepdims=True, dtype=np.float32)
    result = x / np.sqrt(np.maximum(squares, call.number("epsilon")))
    return one(fused(np.asarray(result), call.integer("activation_type")))


def lrn(call: Call) -> Outputs:
    """Local response normalization over channels: x / (bias + alpha * sum of squares)^beta."""
    x, radius = call[0], call.integer("depth_radius")
    squares = np.pad(np.square(x), ((0, 0),) * (x.ndim - 1) + ((radius, radius),))
    channels = x.shape[-1]
    total = sum((squares[..., i : i + channels] for i in range(2 * radius + 1)), np.zeros_like(x))
    scale = call.number("bias") + call.number("alpha") * total
    return one(x / np.power(scale, call.number("beta")))
