"""Matrix products take over what follows them: biases and scales."""

from __future__ import annotations

from math import prod

import numpy as np

from converter.ir import TensorType, Value
from converter.ops.context import constant
from converter.ops.lite_fields import lite_node
from converter.passes.fuse.steps import BIAS, SCALES, SHIFTS, activation_of, scaled, shifted, step_of
from converter.passes.pattern import Anything, Constant, Match, op
from converter.passes.rewrite import Refusal, Replacement, Rule

_WEIGHT = 1
_RESHAPES = "Reshape|Flatten|Squeeze|ExpandDims|Unsqueeze"


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


def multiply_before_reshape(match: Match) -> Replacement | Refusal:
    """Multiply tensors of more axes as they are: the kernel runs over the leading ones, which a Reshape would merge."""
    x, weight, node = match.value("x"), match.value("weight"), match.node("matmul")
    rows, made = match.value("rows").type.shape or (), node.outputs[0].type.shape
    if not x.type.is_static or not x.type.shape or made is None or node.attrs.get("transpose_a"):
        return Refusal()
    *leading, inner = x.type.shape
    if weight.type.rank != len(rows) or len(leading) < len(rows) or (prod(leading), inner) != rows:
        return Refusal()
    full = (*leading, made[-1])
    inputs = [x, *node.inputs[1:]]
    if match.result.type.shape == full:
        return Replacement(node.op, inputs, node.attrs, anchor=node)
    product = Value(node.outputs[0].name, TensorType(x.type.dtype, full))
    before = lite_node(node.op, node.name, node.origin, inputs, [product], node.attrs)
    shape = constant(f"{match.root.name}/shape", np.array(match.result.type.shape, np.int32))
    return Replacement("Reshape", [product, shape], {}, anchor=match.root, before=(before,))


_BEHIND = op("MatMulFusion", label="matmul"), Constant()
RULES = (
    Rule("fuse-matmul-bias", op(SHIFTS, *_BEHIND, swaps=True), fuse_matmul_step, ("MatMulAddFusion",)),
    Rule(
        "fuse-matmul-scale",
        op(SCALES, *_BEHIND, swaps=True, has_more=True),
        fuse_matmul_step,
        ("MatMulMulFusion",),
    ),
    Rule(
        "multiply-before-reshape",
        op(
            _RESHAPES,
            op(
                "MatMulFusion",
                op(_RESHAPES, Anything("x"), label="rows", has_more=True, is_shared=True),
                Constant("weight"),
                label="matmul",
                has_more=True,
            ),
            has_more=True,
        ),
        multiply_before_reshape,
    ),
)
