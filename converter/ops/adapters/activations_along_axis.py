"""Softmax gradients and normalization by length: sums along an axis, all composed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.compose import Composer
from converter.ops.context import integers_of

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context


def log_softmax_grad(context: Context, node: Node) -> None:
    """LogSoftmaxGrad(y, dy): dy - exp(y) * sum(dy)."""
    y, dy = node.inputs
    axis = int(str(node.attrs.pop("axis", -1)))
    build = Composer(context, node)
    total = build.sum(dy, [axis], keep=True)
    build.replace(build.sub(dy, build.mul(build.exp(y), total)))


def softmax_grad(context: Context, node: Node) -> None:
    """SoftmaxBackward(dy, y, axis): y * (dy - sum(y * dy))."""
    dy, y = node.inputs[:2]
    axes = integers_of(node.inputs[2]) if len(node.inputs) > 2 else (-1,)  # noqa: PLR2004 - dy, y, axis
    if axes is None:
        context.refuse("E202", node, "its axis is computed by the graph", "make the axis a constant")
        return
    build = Composer(context, node)
    total = build.sum(build.mul(y, dy), axes, keep=True)
    build.replace(build.mul(y, build.sub(dy, total)))


def l2_normalize(context: Context, node: Node) -> None:
    """X / sqrt(max(sum(x ** 2), epsilon)) over the axes."""
    build = Composer(context, node)
    build.replace(build.mul(node.inputs[0], _inverse_length(build, node)))


def l2_normalize_grad(context: Context, node: Node) -> None:
    """L2NormalizeGrad(x, y, dy): (dy - y * sum(y * dy)) / length."""
    _, y, dy = node.inputs
    build = Composer(context, node)
    total = build.sum(build.mul(y, dy), _axes(node), keep=True)
    build.replace(build.mul(build.sub(dy, build.mul(y, total)), _inverse_length(build, node)))


def _inverse_length(build: Composer, node: Node) -> Value:
    squares = build.sum(build.square(node.inputs[0]), _axes(node), keep=True)
    return build.rsqrt(build.maximum(squares, float(str(node.attrs["epsilon"]))))


def _axes(node: Node) -> list[int]:
    axis = node.attrs["axis"]
    return [int(str(each)) for each in (axis if isinstance(axis, tuple) else (axis,))]


def log_softmax(context: Context, node: Node) -> None:
    """LogSoftmaxExt(x, axis, dtype)."""
    axes = integers_of(node.inputs[1])
    if axes is None:
        context.refuse("E202", node, "its axis is not given, or computed by the graph", "give the axis as a constant")
        return
    build = Composer(context, node)
    build.replace(build.op("LogSoftmax", [build.cast(node.inputs[0], node.outputs[0].type.dtype)], axis=axes[0]))
