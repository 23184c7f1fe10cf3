"""Convolutions take over what follows them: biases, scales (so batch norms, too), activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Layout
from converter.ops.layouts import RANK
from converter.passes.fuse.steps import BIAS, SCALES, SHIFTS, activation_of, channel_axis, scaled, shifted, step_of
from converter.passes.pattern import Anything, Constant, Match, op
from converter.passes.rewrite import Refusal, Replacement, Rule

if TYPE_CHECKING:
    from typing import Any

    from converter.ir import Node, Value

    Array = np.ndarray[Any, np.dtype[Any]]

CONVOLUTIONS = "Conv2DFusion|Conv2dTransposeFusion"
_KERNEL = 1
_EXPLICIT = 0


def fuse_convolution_step(match: Match) -> Replacement | Refusal:
    """Let a convolution add a bias, or scale its kernel: `(k * x + b) * s + t` is `(k * s) * x + (b * s + t)`.

    Batch norm with fixed statistics has become such a scale (`s = gamma / sqrt(variance + epsilon)`) before.
    """
    node, root = match.node("conv"), match.root
    step = step_of(root, node.outputs[0], channel_axis(node.outputs[0]))
    if step is None or activation_of(node):
        return Refusal()
    kernel = node.inputs[_KERNEL]
    if any(bias.const is None for bias in node.inputs[BIAS:]):
        return Refusal("the graph computes the bias of the convolution")
    if np.any(step.factors != 1):
        if kernel.const is None:
            return Refusal("the graph computes the kernel of the convolution")
        if len(kernel.users) > 1:
            return Refusal("the kernel has other readers, so it would have to be stored twice")
        kernel = scaled(kernel, _on_kernel(node, kernel.const.shape, step.factors))
    bias = shifted(node, root, step, (root.outputs[0].type.shape or ())[channel_axis(root.outputs[0])])
    inputs = [node.inputs[0], kernel, *([bias] if bias is not None else [])]
    return Replacement(node.op, inputs, {**node.attrs, "activation_type": activation_of(root)}, anchor=node)


def fuse_pad(match: Match) -> Replacement | Refusal:
    """Let a convolution pad its image with zeros itself."""
    pad, node = match.node("pad"), match.root
    rows = _pairs(match.value("pairs"))
    is_zero = not pad.attrs.get("padding_mode") and not pad.attrs.get("constant_value")
    if rows is None or not is_zero or match.value("x").layout is not Layout.NCHW or len(rows) != RANK:
        return Refusal()
    batch, channels, *image = rows
    own = node.attrs.get("pad_list")
    added = [number for row in image for number in row]
    if any((*batch, *channels)) or min(added) < 0 or not isinstance(own, tuple) or len(own) != len(added):
        return Refusal()
    pads = tuple(int(str(one)) + other for one, other in zip(own, added, strict=True))
    if any(total >= size for total, size in zip(pads, _extents(node), strict=True)):
        return Refusal()  # a window that lies in the pads as a whole gives garbage (measured with runtime 2.0.0)
    inputs = [match.value("x"), *node.inputs[1:]]
    return Replacement(node.op, inputs, {**node.attrs, "pad_list": pads, "pad_mode": _EXPLICIT}, anchor=node)


def _extents(node: Node) -> tuple[int, int, int, int]:
    """Pixels that a window spans: height for the pads above and below, width for those beside."""
    shape, dilation = node.inputs[1].type.shape or (), node.attrs.get("dilation")
    steps = dilation if isinstance(dilation, tuple) else (1, 1)
    height, width = ((size - 1) * int(str(step)) + 1 for size, step in zip(shape[2:], steps, strict=True))
    return height, height, width, width


def _pairs(value: Value) -> list[tuple[int, int]] | None:
    """Pairs of numbers, one pair per axis; None when the graph computes them."""
    if value.const is None or value.const.size % 2:
        return None
    return [(int(before), int(behind)) for before, behind in value.const.array().reshape(-1, 2)]


def _on_kernel(node: Node, shape: tuple[int, ...], factors: Array | np.float64) -> Array | np.float64:
    """Factors of output channels, to go with a kernel [out, in / g, h, w], or a transposed one [in, out / g, h, w]."""
    if factors.ndim == 0:
        return factors
    if node.op == "Conv2DFusion":
        return factors.reshape(-1, 1, 1, 1)
    group = max(int(str(node.attrs.get("group") or 1)), 1)
    rows = np.repeat(factors.reshape(group, -1), shape[0] // group, axis=0)
    return rows[:, :, None, None]


_BEHIND = op(CONVOLUTIONS, label="conv"), Constant()
RULES = (
    Rule(
        "fuse-conv-bias",
        op(SHIFTS, *_BEHIND, swaps=True),
        fuse_convolution_step,
        ("ConvBiasaddFusion",),
    ),
    Rule(
        "fuse-conv-scale",
        op(SCALES, *_BEHIND, swaps=True, has_more=True),
        fuse_convolution_step,
        ("ConvBatchNormFusion", "ConvScaleFusion"),
    ),
    Rule(
        "fuse-pad-conv",
        op("Conv2DFusion", op("PadFusion", Anything("x"), Constant("pairs"), label="pad"), has_more=True),
        fuse_pad,
        ("ConvPadFusion",),
    ),
)
