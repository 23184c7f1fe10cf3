"""Activations move into the node before them, where its kernel can apply them."""

from __future__ import annotations

from converter.passes.fuse.convolution import CONVOLUTIONS
from converter.passes.fuse.steps import NONE, RELU, RELU6, activation_of
from converter.passes.pattern import Match, op
from converter.passes.rewrite import Refusal, Replacement, Rule

# The kernel of SubFusion has the attribute and ignores it.
_ELEMENTWISE = "AddFusion|MulFusion|ScaleFusion"
_INSIDE = (RELU, RELU6)


def fuse_activation(match: Match) -> Replacement | Refusal:
    """Let the kernel of a node apply the ReLU or ReLU6 that follows it."""
    node, kind = match.node("before"), activation_of(match.root)
    if kind not in _INSIDE or activation_of(node) != NONE:
        return Refusal()
    return Replacement(node.op, node.inputs, {**node.attrs, "activation_type": kind}, anchor=node)


def _rule(name: str, ops: str, *official: str) -> Rule:
    return Rule(name, op("Activation", op(ops, label="before")), fuse_activation, official)


RULES = (
    _rule("fuse-conv-activation", CONVOLUTIONS, "ConvActivationFusion"),
    _rule("fuse-matmul-activation", "MatMulFusion", "MatMulActivationFusion"),
    _rule(
        "fuse-elementwise-activation",
        _ELEMENTWISE,
        *("AddActivationFusion", "MulActivationFusion", "ScaleActivationFusion"),
    ),
)
