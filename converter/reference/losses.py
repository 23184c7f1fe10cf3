"""Loss functions with kernels of their own, and their gradients."""

from __future__ import annotations

import numpy as np

from converter.reference.call import Array, Call, Outputs, one
from converter.reference.normalization import softmax_of

_F = np.float32
_SUM, _MEAN, _NONE = 0, 1, 2
_TINY = _F(1e-12)
# What the device puts in place of a probability of exactly zero before it takes the logarithm.
_FLOOR = _F(1e-6)
_MATRIX = 2


def sparse_softmax_cross_entropy(call: Call) -> Outputs:
    """SparseSoftmaxCrossEntropyWithLogits(logits [N, C], labels [N]): mean loss [1], or the gradient divided by N."""
    logits = call[0]
    call.demand(logits.ndim == _MATRIX, f"needs logits of rank 2, not {logits.ndim}")
    labels = _labels(call, logits.shape)
    rows = np.arange(len(labels))
    chance = softmax_of(logits)
    count = _F(len(labels))
    if call.flag("is_grad"):
        chance[rows, labels] -= _F(1)
        return one(chance / count)
    return one(np.asarray([-(np.log(chance[rows, labels])).sum(dtype=np.float32) / count], dtype=np.float32))


def _labels(call: Call, shape: tuple[int, ...]) -> Array:
    """The labels' bytes read as int32, whatever their type; each must name a class."""
    labels = np.ascontiguousarray(call[1]).reshape(-1).view(np.int32)[: shape[0]]
    call.demand(len(labels) == shape[0], f"has {len(labels)} labels for {shape[0]} rows")
    bad = labels[(labels < 0) | (labels >= shape[1])]
    if bad.size:
        hint = "labels must be int32 numbers of classes, counted from 0"
        raise call.refuse(f"has the label {bad[0]} with {shape[1]} classes", hint)
    return labels


def softmax_cross_entropy(call: Call) -> Outputs:
    """SoftmaxCrossEntropyWithLogits(logits, one-hot) -> (loss [N, 1], gradient [N, C] not divided by N)."""
    logits, labels = call[0], call[1]
    hint = "the device would leave the loss unwritten"
    call.demand(len(call.node.outputs) >= 2, "needs two outputs, loss and gradient", hint)  # noqa: PLR2004 - as said
    wanted, given = list(logits.shape), list(labels.shape)
    call.demand(wanted == given, f"has logits {wanted} and labels {given}", "the device would read beyond the labels")
    chance = softmax_of(logits)
    log = np.log(np.where(chance == 0, _FLOOR, chance))
    loss = -(labels * log).sum(axis=-1, keepdims=True, dtype=np.float32)
    return np.asarray(loss), chance - labels


def _weight(call: Call, index: int) -> Array:
    return call[index] if len(call.inputs) > index else np.ones(1, np.float32)


def _reduced(call: Call, values: Array) -> Outputs:
    reduction = call.integer("reduction")
    if reduction == _NONE:
        return one(values)
    total = values.sum(dtype=np.float32)
    return one(np.asarray([total / _F(values.size) if reduction == _MEAN else total], dtype=np.float32))


def binary_cross_entropy(call: Call) -> Outputs:
    """BinaryCrossEntropy(p, y[, weight])."""
    p, y = call[0], call[1]
    value = -_weight(call, 2) * (y * np.log(p + _TINY) + (_F(1) - y) * np.log(_F(1) - p + _TINY))
    return _reduced(call, np.asarray(value, dtype=np.float32))


def binary_cross_entropy_grad(call: Call) -> Outputs:
    """BinaryCrossEntropyGrad(p, y, dloss[, weight])."""
    p, y, dloss = call[0], call[1], call[2]
    if call.integer("reduction") != _NONE:
        dloss = dloss.reshape(-1)[0]
    if call.integer("reduction") == _MEAN:
        dloss = dloss / _F(p.size)
    slope = (p - y) / np.maximum(p * (_F(1) - p), _TINY)
    return one(np.asarray(_weight(call, 3) * slope * dloss, dtype=np.float32))


def sigmoid_cross_entropy(call: Call) -> Outputs:
    """SigmoidCrossEntropyWithLogits(x, y): max(x, 0) - x * y + log(1 + exp(-|x|)), element by element."""
    x, y = call[0], call[1]
    positive = np.maximum(x, _F(0))
    return one(np.asarray(positive - x * y + np.log1p(np.exp(-np.abs(x))), dtype=np.float32))


def sigmoid_cross_entropy_grad(call: Call) -> Outputs:
    """(x, y, dout) -> (sigmoid(x) - y) * dout."""
    x, y, dout = call[0], call[1], call[2]
    return one(np.asarray((_F(1) / (_F(1) + np.exp(-x)) - y) * dout, dtype=np.float32))


def smooth_l1(call: Call) -> Outputs:
    """SmoothL1Loss(x, y): d^2 / (2 beta) up to beta, |d| - beta / 2 beyond."""
    beta = call.number("beta")
    size = np.abs(call[0] - call[1])
    return one(np.where(size < beta, _F(0.5) * size * size / beta, size - _F(0.5) * beta))


def smooth_l1_grad(call: Call) -> Outputs:
    """SmoothL1LossGrad(x, y, dout)."""
    beta, difference = call.number("beta"), call[0] - call[1]
    return one(np.asarray(np.clip(difference / beta, _F(-1), _F(1)) * call[2], dtype=np.float32))


def nll_loss(call: Call) -> Outputs:
    """NLLLoss(log probabilities [N, C], labels [N], weight [C]) -> (loss, total weight)."""
    logits, labels, weight = call[0], call[1].reshape(-1), call[2]
    each = weight[labels]
    loss = -logits[np.arange(len(labels)), labels] * each
    total = np.asarray(each.sum(dtype=np.float32))
    reduction = call.integer("reduction")
    if reduction == _NONE:
        return loss, total
    summed = loss.sum(dtype=np.float32)
    return np.asarray(summed / total if reduction == _MEAN else summed, dtype=np.float32), total


def nll_loss_grad(call: Call) -> Outputs:
    """NLLLossGrad(log probabilities, dloss, labels, weight, total weight)."""
    logits, dloss, labels, weight, total = call[0], call[1], call[2].reshape(-1), call[3], call[4]
    share = -weight[labels] * dloss.reshape(-1)
    if call.integer("reduction") == _MEAN:
        share = share / total
    result = np.zeros_like(logits)
    result[np.arange(len(labels)), labels] = share
    return one(result)
