"""Matrix products take over what follows them: biases and scales."""

from __future__ import annotations

import numpy as np

from converter.passes.fuse.steps import BIAS, SCALES, SHIFTS, activation_of, scaled, shifted, step_of
from converter.passes.pattern import Constant, Match, op
from converter.passes.rewrite import Refusal, Replacement, Rule

_WEIGHT = 1


def fuse_matmul_step(match: Match) -> Replacement | Refusal:
    """Let a product add a bias, or scale its constant weight: `(x w + b) * s + t` is `x (w * s) + (b * s + t)`."""
    node, root = match.node("matmul"), match.root
    result = node.outputs[0].type
    step = step_of(root, node.outputs[0], (result.rank or 0) - 1)
    if step is None or activation_of(node) or result.shape is None:
        return Refusal()
    weight = node.inputs[_WEIGHT]
    if any(bias.const is None for bias in node.inputs[BIAS:]):
        return Refusal("the graph computes the bias of the product")
    if np.any(step.factors != 1):
        if weight.const is None:
            return Refusal()
        if len(weight.users) > 1:
            return Refusal("the weight has other readers, so it would have to be stored twice")
        is_column = node.attrs.get("transpose_b") and step.factors.ndim
        weight = scaled(weight, step.factors.reshape(-1, 1) if is_column else step.factors)
    bias = shifted(node, root, step, result.shape[-1])
    inputs = [node.inputs[0], weight, *([bias] if bias is not None else [])]
    return Replacement(node.op, inputs, {**node.attrs, "activation_type": activation_of(root)}, anchor=node)


_BEHIND = op("MatMulFusion", label="matmul"), Constant()
RULES = (
    Rule("fuse-matmul-bias", op(SHIFTS, *_BEHIND, swaps=True), fuse_matmul_step, ("MatMulAddFusion",)),
    Rule(
        "fuse-matmul-scale",
        op(SCALES, *_BEHIND, swaps=True, has_more=True),
        fuse_matmul_step,
        ("MatMulMulFusion",),
    ),
)
