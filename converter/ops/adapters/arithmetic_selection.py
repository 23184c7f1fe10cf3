"""Choosing elements: Select, MaskedFill, GatherD and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, TensorType
from converter.ir.editing import wire
from converter.ops.adapters.arithmetic import filled, number_of, tensor_of, truth_of
from converter.ops.adapters.shapes import axis_argument
from converter.ops.compose import Composer
from converter.ops.context import integers_of

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context


def select(context: Context, node: Node) -> None:
    """Select(condition, x, y): the device takes equal shapes only, so smaller operands are broadcast first."""
    build = Composer(context, node)
    kind = node.outputs[0].type
    if kind.shape is None:
        context.refuse("E204", node, "the shape of its result is not known", "export the model with fixed shapes")
        return
    condition = truth_of(build, node.inputs[0])
    if condition.type.shape not in ((), (1,)):
        condition = broadcast(build, condition, kind.shape)
    branches = [broadcast(build, tensor_of(build, value, kind.dtype), kind.shape) for value in node.inputs[1:3]]
    build.insert()
    wire(node, [condition, *branches])


def masked_fill(context: Context, node: Node) -> None:
    """MaskedFill(x, mask, number): Where(mask, number, x), all of one shape."""
    x, mask, number = node.inputs
    kind = node.outputs[0].type
    if kind.shape is None:
        context.refuse("E204", node, "the shape of its result is not known", "export the model with fixed shapes")
        return
    build = Composer(context, node)
    fill = broadcast(build, tensor_of(build, number, kind.dtype), kind.shape)
    mask = broadcast(build, truth_of(build, mask), kind.shape)
    build.replace(build.op("Where", [mask, fill, broadcast(build, x, kind.shape)], kind))


def broadcast(build: Composer, x: Value, shape: tuple[int, ...]) -> Value:
    """A value repeated to a shape; numbers that never change become constants."""
    if x.type.shape == shape:
        return x
    number = number_of(x) if x.type.is_static and x.type.size == 1 else None
    if number is not None:
        return filled(build, shape, number, x.type.dtype)
    own = x.type.shape or ()
    x = build.reshape(x, (1,) * (len(shape) - len(own)) + own)
    return build.op("BroadcastTo", [x], TensorType(x.type.dtype, shape), shape=shape) if x.type.shape != shape else x


def gather_along(context: Context, node: Node) -> None:
    """GatherD(x, dim, index): the axis counted from 0."""
    x, dim, index = node.inputs
    axis = _axis(context, node, x, dim)
    if axis is None:
        return
    build = Composer(context, node)
    wire(node, [x, build.constant(axis, DType.INT32), index])


def gather_along_grad(context: Context, node: Node) -> None:
    """GatherDGradV2(x, dim, index, dy): dy spread to the positions that the index names.

    One-hot rows times dy, summed over the gathered axis: dx[.., c, ..] = sum over k of dy[.., k, ..] where index is c.
    """
    x, *between, index, dy = node.inputs
    # MindSpore 1.x has the axis as an attribute.
    dim = between[0] if between else axis_argument(node.attrs.get("dim", 0))
    axis, shape, taken = _axis(context, node, x, dim), context.shape(node, x), context.shape(node, dy)
    if axis is None or shape is None or taken is None:
        return
    if any(a != b for i, (a, b) in enumerate(zip(shape, taken, strict=True)) if i != axis):
        message = f"gathers {list(taken)} from {list(shape)}: only the axis {axis} may differ"
        context.refuse("E202", node, message)
        return
    build = Composer(context, node)
    is_single = taken[axis] == 1
    positions = build.reshape(index, shape[:axis] + shape[axis + 1 :]) if is_single else index
    place = axis if is_single else axis + 1
    hot = one_hot(build, positions, shape[axis], place)
    spread = dy if is_single else build.reshape(dy, (*taken[: axis + 1], 1, *taken[axis + 1 :]))
    result = build.mul(hot, spread)
    build.replace(result if is_single else build.sum(result, [axis]))


def one_hot(build: Composer, index: Value, depth: int, axis: int) -> Value:
    """Ones where the new axis equals the index, zeros elsewhere; a row of zeros for an index out of range."""
    shape = list(index.type.shape or ())
    last = axis == len(shape)
    shape.insert(axis, depth)
    size = build.context.shared(f"depth-{depth}", depth, DType.INT32)
    on, off = (build.context.shared(name, number) for name, number in (("one", 1.0), ("zero", 0.0)))
    kind = TensorType(DType.FLOAT32, tuple(shape))
    return build.op("OneHot", [index, size, on, off], kind, axis=-1 if last else axis)


def _axis(context: Context, node: Node, x: Value, dim: Value) -> int | None:
    """The axis counted from 0."""
    axes = integers_of(dim)
    if axes is None or x.type.rank is None:
        context.refuse("E202", node, "its axis is computed by the graph", "make the axis a constant")
        return None
    return int(np.arange(x.type.rank)[axes[0]])
