"""Scales and offsets in a row become one node."""

from __future__ import annotations

import numpy as np

from converter.ops.context import constant
from converter.passes.fuse.steps import SCALES, SHIFTS, activation_of, channel_axis, step_of
from converter.passes.pattern import Constant, Match, op
from converter.passes.rewrite import Refusal, Replacement, Rule


def merge_scales(match: Match) -> Replacement | Refusal:
    """Scale and shift channels at once: `(x * s + t) * u + v` is `x * (s u) + (t u + v)`."""
    node, root = match.node("before"), match.root
    x = next((value for value in node.inputs if value.const is None), None)
    # The kernel asks for the shape when the model is opened.
    if x is None or x.type.shape is None or not x.type.is_static or activation_of(node):
        return Refusal()
    axis = channel_axis(x)
    first, second = step_of(node, x, axis), step_of(root, node.outputs[0], axis)
    if first is None or second is None:
        return Refusal()
    factors = np.asarray(first.factors * second.factors)
    offset = np.asarray(first.offset * second.factors + second.offset)
    if factors.ndim == offset.ndim == 0:
        return Refusal()
    full = [np.broadcast_to(each, (x.type.shape[axis],)).astype(np.float32) for each in (factors, offset)]
    inputs = [x, constant(f"{root.name}/scale", full[0]), constant(f"{root.name}/offset", full[1])]
    attrs = {"axis": len(x.type.shape) - 1, "activation_type": activation_of(root)}
    return Replacement("ScaleFusion", inputs, attrs, anchor=root)


RULES = (
    Rule(
        "merge-scales",
        op(f"{SCALES}|{SHIFTS}", op(f"{SCALES}|{SHIFTS}", label="before"), Constant(), swaps=True, has_more=True),
        merge_scales,
        ("ScaleScaleFusion", "MulAddFusion", "BatchNormToScaleFusion"),
    ),
)
