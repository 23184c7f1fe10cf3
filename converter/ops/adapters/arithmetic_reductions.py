"""Reductions: axes and flags that MindIR gives as arguments, and the forms without a mode of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType, TensorType
from converter.ir.editing import set_input
from converter.ops.adapters.arithmetic import is_read, power_of, truth_of
from converter.ops.adapters.shapes import axis_argument
from converter.ops.broadcasting import rows_of
from converter.ops.compose import MAX, Composer
from converter.ops.context import integers_of, literal_of

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Adapter, Context

PRODUCT, ALL = 3, 7
_EUCLID = 2


def reduction(mode: int) -> Adapter:
    """Reduce(x[, axes]) with the attribute keep_dims."""

    def adapter(context: Context, node: Node) -> None:
        listed = node.inputs[1] if len(node.inputs) > 1 else None
        _reduce(context, node, mode, listed, keep=bool(node.attrs.get("keep_dims")))

    return adapter


def extended(mode: int) -> Adapter:
    """SumExt, MeanExt, ProdExt (x, axes, keepdim, dtype): None stands for every axis, and for the type as it is."""

    def adapter(context: Context, node: Node) -> None:
        listed, keep = (*node.inputs[1:], None, None)[:2]
        _reduce(context, node, mode, listed, keep=keep is not None and bool(literal_of(keep)))

    return adapter


def _reduce(context: Context, node: Node, mode: int, listed: Value | None, *, keep: bool) -> None:
    """One ReduceFusion in the result's element type; nothing at all for a scalar."""
    x = node.inputs[0]
    axes = axes_of(context, node, x, listed)
    if axes is None:
        return
    build = Composer(context, node)
    x = build.cast(x, node.outputs[0].type.dtype)
    build.replace(build.reduce(mode, x, axes, keep=keep) if axes else x)


def axes_of(context: Context, node: Node, x: Value, listed: Value | None) -> tuple[int, ...] | None:
    """Axes counted from 0, every axis when none are listed; None, and a problem, when they are not known."""
    rank = x.type.rank
    if rank is None:
        context.refuse("E204", node, "the rank of its input is not known", "export the model with fixed shapes")
        return None
    if listed is None or (listed.literal is not None and listed.literal.value in (None, ())):
        return tuple(range(rank))
    axes = integers_of(listed)
    if axes is None:
        context.refuse("E202", node, "its axes are computed by the graph", "make the axes constants")
        return None
    return tuple(axis % rank for axis in axes) or tuple(range(rank))


def every(context: Context, node: Node) -> None:
    """ReduceAll(x, axes): whether all are true."""
    _truth(context, node, negated=False)


def some(context: Context, node: Node) -> None:
    """ReduceAny(x, axes): not all are false."""
    _truth(context, node, negated=True)


def _truth(context: Context, node: Node, *, negated: bool) -> None:
    build = Composer(context, node)
    x = truth_of(build, node.inputs[0])
    axes = axes_of(context, node, x, node.inputs[1] if len(node.inputs) > 1 else None)
    if axes is None:
        return
    if not axes:
        build.replace(x)
        return
    if negated:
        x = build.op("LogicalNot", [x])
    result = build.reduce(ALL, x, axes, keep=bool(node.attrs.get("keep_dims")))
    build.replace(build.op("LogicalNot", [result]) if negated else result)


def extremum_with_index(mode: int) -> Adapter:
    """ArgMaxWithValue, ArgMinWithValue (x) -> (index, value): a plain reduction where nobody reads the index."""

    def adapter(context: Context, node: Node) -> None:
        index, value = node.outputs
        axis = node.attrs.pop("axis", 0)
        keep = bool(node.attrs.pop("keep_dims", False))
        _extremum(context, node, (index, value), (mode, int(str(axis)), keep))

    return adapter


def extremum_along(mode: int) -> Adapter:
    """MaxDim, MinDim (x, dim, keepdim) -> (value, index)."""

    def adapter(context: Context, node: Node) -> None:
        axes = integers_of(node.inputs[1])
        if axes is None:
            context.refuse("E202", node, "its axis is computed by the graph", "make the axis a constant")
            return
        value, index = node.outputs
        keep = len(node.inputs) > 2 and bool(literal_of(node.inputs[2]))  # noqa: PLR2004 - x, dim, keepdim
        _extremum(context, node, (index, value), (mode, axes[0], keep))

    return adapter


def _extremum(context: Context, node: Node, results: tuple[Value, Value], how: tuple[int, int, bool]) -> None:
    """Replace (index, value); what nobody reads is not computed."""
    index, value = results
    mode, axis, keep = how
    x = node.inputs[0]
    shape = context.ranked(node, x)
    if shape is None:
        return
    axis %= len(shape)
    build = Composer(context, node)
    new_value = build.reduce(mode, x, [axis], keep=keep) if is_read(context, value) else value
    new_index = _position(build, x, (mode, axis, keep)) if is_read(context, index) else index
    build.replace(*(new_index if old is index else new_value for old in node.outputs))


def _position(build: Composer, x: Value, how: tuple[int, int, bool]) -> Value:
    """Where along an axis the extremum is, the first of equals."""
    mode, axis, keep = how
    shape = list(x.type.shape or ())
    shape[axis : axis + 1] = [1] if keep else []
    op = "ArgMaxFusion" if mode == MAX else "ArgMinFusion"
    kind = TensorType(DType.INT32, tuple(shape))
    return build.op(op, [x], kind, axis=axis, top_k=1, keep_dims=keep, out_max_value=False)


def position(mode: int) -> Adapter:
    """Argmax, Argmin (x) with the attribute axis; ArgMaxExt, ArgMinExt (x, dim, keepdim), over all without dim."""

    def adapter(context: Context, node: Node) -> None:
        x = node.inputs[0]
        axis = node.attrs.pop("axis", literal_of(node.inputs[1]) if len(node.inputs) > 1 else -1)
        keep = len(node.inputs) > 2 and bool(literal_of(node.inputs[2]))  # noqa: PLR2004 - x, dim, keepdim
        shape = context.ranked(node, x)
        if shape is None:
            return
        build = Composer(context, node)
        if axis is None:
            x, axis = build.reshape(x, (rows_of(shape),)), 0
        index = _position(build, x, (mode, int(str(axis)) % (x.type.rank or 1), keep))
        build.replace(build.cast(index, node.outputs[0].type.dtype))

    return adapter


def lp_norm(context: Context, node: Node) -> None:
    """LpNorm(x): the p-th root of the sum of |x| ** p, epsilon where that is less."""
    x, order = node.inputs[0], node.attrs.get("p", 2)
    axes, rank = node.attrs.get("axis", ()), x.type.rank
    if rank is None or not isinstance(axes, tuple) or not isinstance(order, int) or order < 1:
        context.refuse("E202", node, f"LpNorm.p={order!r} cannot be converted; only norms from 1 on can")
        return
    build = Composer(context, node)
    raised = build.abs(x) if order == 1 else power_of(build, x if order == _EUCLID else build.abs(x), order)
    total = build.sum(raised, [int(str(axis)) % rank for axis in axes], keep=bool(node.attrs.get("keep_dims")))
    build.replace(build.maximum(power_of(build, total, 1 / order), float(str(node.attrs.get("epsilon", 1e-12)))))


def cumulative_sum(context: Context, node: Node) -> None:
    """CumSum(x, axis), the axis counted from the front."""
    axis, rank = integers_of(node.inputs[1]), node.inputs[0].type.rank
    if axis is None or rank is None:
        context.refuse("E202", node, "the axis of CumSum is not a constant", "make the axis a constant")
        return
    set_input(node, 1, axis_argument(axis[0] % rank))


def square_sum_all(context: Context, node: Node) -> None:
    """SquareSumAll(x, y) -> the sum of squares of each."""
    build = Composer(context, node)
    build.replace(*(build.sum(build.square(value)) for value in node.inputs))


def spread(*, is_root: bool) -> Adapter:
    """Var, Std (x, axes, correction, keepdim): mean squared distance from the mean, divided by N - correction."""

    def adapter(context: Context, node: Node) -> None:
        x = node.inputs[0]
        listed, correction, keep = (*node.inputs[1:], None, None, None)[:3]
        axes = axes_of(context, node, x, listed)
        shape = context.ranked(node, x)
        if axes is None or shape is None:
            return
        if any(shape[axis] < 0 for axis in axes):
            context.shape(node, x)
            return
        less = literal_of(correction) if correction is not None else 1
        build = Composer(context, node)
        distance = build.square(build.sub(x, build.mean(x, axes, keep=True)))
        count = 1
        for axis in axes:
            count *= shape[axis]
        total = build.sum(distance, axes, keep=keep is not None and bool(literal_of(keep)))
        result = build.div(total, float(count - int(str(less))))
        build.replace(build.sqrt(result) if is_root else result)

    return adapter
