"""Cross entropies of classes: shapes that differ on the device, and negative log likelihood, which it lacks in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ops.adapters.arithmetic import hand_over, is_read, is_variable
from converter.ops.adapters.arithmetic_selection import one_hot
from converter.ops.compose import Composer
from converter.ops.context import literal_of, scalar_type

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

SUM, MEAN, NONE, BATCH_MEAN = 0, 1, 2, 3


def sparse_cross_entropy(context: Context, node: Node) -> None:
    """The device writes the mean loss as one element of rank 1; a scale of the gradient becomes a Mul behind it."""
    scale = node.attrs.pop("sens", 1.0)
    if not node.attrs.get("is_grad"):
        node.outputs[0].type = scalar_type((1,))
        return
    if scale == 1.0 or not isinstance(scale, (int, float)):
        return
    gradient = node.outputs[0]
    readers = list(dict.fromkeys(gradient.users))
    build = Composer(context, node)
    scaled = build.mul(gradient, float(scale))
    build.insert_behind()
    hand_over(context, gradient, scaled, readers)


def one_hot_cross_entropy(context: Context, node: Node) -> None:
    """The device writes the losses as [N, 1]; readers that mind the rank get them reshaped to [N]."""
    losses = node.outputs[0]
    shape = context.shape(node, losses)
    if not shape:
        return
    losses.type = scalar_type((shape[0], 1))
    readers = [user for user in losses.users if not _reduces_rows(user)]
    for user in losses.users:
        if _reduces_rows(user):
            user.outputs[0].type = scalar_type((1,))
    if readers or any(value is losses for value in context.graph.outputs):
        build = Composer(context, node)
        rows = build.reshape(losses, shape)
        build.insert_behind()
        hand_over(context, losses, rows, readers)


def _reduces_rows(node: Node) -> bool:
    """Whether a node reduces axis 0 away, which does the same to [N, 1] as to [N]."""
    is_reduction = node.op in ("ReduceMean", "ReduceSum", "ReduceFusion")
    return is_reduction and not node.attrs.get("keep_dims") and literal_of(node.inputs[1]) in (0, (0,), ())


def nll_loss(context: Context, node: Node) -> None:
    """NLLLoss(log chances [N, C], labels [N], weight [C]) -> (loss, total weight).

    The device's kernel reads beyond its memory for a label that is to be ignored; a row of one-hot zeros does not.
    """
    chances, labels, weight = node.inputs
    shape = context.shape(node, chances)
    if shape is None:
        return
    build = Composer(context, node)
    reduction = node.attrs["reduction"]
    target = _target(build, (labels, weight), shape)
    is_total_read = reduction == MEAN or is_read(context, node.outputs[1])
    total = build.sum(target) if is_total_read else build.constant(0.0)
    each = build.mul(target, chances)
    loss = build.neg(build.sum(each, [1] if reduction == NONE else None))
    build.replace(build.div(loss, total) if reduction == MEAN else loss, total)


def nll_loss_grad(context: Context, node: Node) -> None:
    """NLLLossGrad(log chances, dloss, labels, weight, total weight)."""
    chances, dloss, labels, weight, total = node.inputs
    shape = context.shape(node, chances)
    if shape is None:
        return
    build = Composer(context, node)
    reduction = node.attrs["reduction"]
    share = build.neg(build.div(dloss, total) if reduction == MEAN else dloss)
    if reduction == NONE:
        share = build.reshape(share, (shape[0], 1))
    build.replace(build.mul(_target(build, (labels, weight), shape), share))


def _target(build: Composer, labels_weight: tuple[Value, Value], shape: tuple[int, ...]) -> Value:
    """The weight of its label in each row, zeros elsewhere and in rows whose label is to be ignored."""
    labels, weight = labels_weight
    ignored = build.node.attrs.get("ignore_index", -1)
    hot = one_hot(build, labels, shape[1], 1)
    kept = np.ones(shape[1], np.float32)
    if isinstance(ignored, int) and 0 <= ignored < shape[1]:
        kept[ignored] = 0.0
    if weight.const is not None and not is_variable(weight):
        kept = kept * weight.const.array()
    elif kept.all():
        return build.mul(hot, weight)
    else:
        hot = build.mul(hot, weight)
    return hot if kept.all() and (kept == 1).all() else build.mul(hot, build.constant(kept))
