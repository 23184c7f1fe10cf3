"""Dropout, which does something only while a model trains, and only when it drops anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.compose import Composer

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.context import Context


def dropout(context: Context, node: Node) -> None:
    """Dropout(x) -> (y, mask): nothing at all where every element is kept."""
    keeps_all = node.attrs.get("keep_prob") == 1.0
    mask_is_free = all(user.op == "DropoutGrad" for user in node.outputs[1].users)
    if not mask_is_free or (context.is_training and not keeps_all):
        return
    if not keeps_all:
        context.note("inference", "Dropout is left out: it does nothing when a trained model is used", node)
    Composer(context, node).replace(node.inputs[0], node.inputs[0])


def dropout_gradient(context: Context, node: Node) -> None:
    """DropoutGrad(dy, mask): dy where every element was kept."""
    if node.attrs.get("keep_prob") == 1.0:
        Composer(context, node).replace(node.inputs[0])
