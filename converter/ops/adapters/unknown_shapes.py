"""Dimensions that are known only when the model runs: the device reads them with Shape, and takes them as arguments.

A number that is a dimension is an int32 tensor of one element; MindIR calls it a scalar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, TensorType
from converter.ir.editing import wire
from converter.ops.broadcasting import unknown_count
from converter.ops.compose import Composer
from converter.ops.context import integers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node, Value
    from converter.ops.context import Context

_ONE = TensorType(DType.INT32, (1,))
_INTEGERS = frozenset({DType.INT32, DType.INT64})


def dimensions(context: Context, node: Node) -> None:
    """Shape, TensorShape, DynamicShape (x) -> the dimensions as one tensor, or one by one."""
    shape = context.ranked(node, node.inputs[0])
    if shape is None:
        return
    build = Composer(context, node)
    if not unknown_count(shape):
        whole = build.constant(list(shape), DType.INT32)
    else:
        whole = build.op("Shape", [node.inputs[0]], TensorType(DType.INT32, (len(shape),)))
    if len(node.outputs) == 1:
        build.replace(whole)
        return
    build.replace(*(_dimension(build, whole, axis, dim) for axis, dim in enumerate(shape)))


def _dimension(build: Composer, whole: Value, axis: int, dim: int) -> Value:
    """One dimension."""
    if dim >= 0:
        return build.constant([dim], DType.INT32)
    begin, end, step = (build.constant([number], DType.INT32) for number in (axis, axis + 1, 1))
    return build.op("StridedSlice", [whole, begin, end, step], _ONE)


def scalar(_context: Context, node: Node) -> None:
    """ScalarAdd, ScalarSub, ScalarMul, ScalarFloordiv: arithmetic on dimensions, which are not negative."""
    node.outputs[0].type = _ONE


def reshape_unknown(context: Context, node: Node, shape: Sequence[int]) -> None:
    """A Reshape to dimensions of which some are unknown: the device finds out one, more are computed."""
    if unknown_count(shape) == 1:
        build = Composer(context, node)
        target = build.constant(list(shape), DType.INT32)
        wire(node, [node.inputs[0], target])
        return
    computed = shape_argument(context, node, node.inputs[1:])
    if computed is not None:
        wire(node, [node.inputs[0], computed])


def stack(context: Context, node: Node) -> None:
    """Stack along an axis; of dimensions, which are tensors of one element already, it is a Concat."""
    rank = node.outputs[0].type.rank
    if rank == 1 and any(value.type.dtype in _INTEGERS and not value.is_const for value in node.inputs):
        computed = shape_argument(context, node, node.inputs)
        if computed is not None:
            Composer(context, node).replace(computed)
        return
    if rank:
        node.attrs["axis"] = int(str(node.attrs.get("axis") or 0)) % rank


def unstack(context: Context, node: Node) -> None:
    """Unstack along an axis; the kernel asks for the shape when the model is opened, so else the parts are gathered."""
    shape, axis = node.inputs[0].type.shape, int(str(node.attrs.get("axis") or 0))
    if shape is None or node.inputs[0].type.is_static or context.is_training:
        node.attrs["axis"] = axis % len(shape) if shape else axis
        return
    build = Composer(context, node)
    along = build.constant(axis % len(shape), DType.INT32)
    places = (build.constant(place, DType.INT32) for place in range(len(node.outputs)))
    kinds = [value.type for value in node.outputs]
    build.replace(*(build.op("Gather", [node.inputs[0], p, along], k) for p, k in zip(places, kinds, strict=True)))


def tile_unknown(context: Context, node: Node, shape: Sequence[int]) -> None:
    """A Tile by computed multiples, one for each axis."""
    computed = shape_argument(context, node, node.inputs[1:])
    if computed is None:
        return
    if computed.type.shape != (len(shape),):
        context.refuse("E202", node, "repeats by multiples that the graph computes, not one for each axis")
        return
    wire(node, [node.inputs[0], computed])


def broadcast_unknown(context: Context, node: Node, shape: Sequence[int]) -> None:
    """A BroadcastTo along known dimensions only: a product with ones of those."""
    x = node.inputs[0]
    if x.type.dtype is not DType.FLOAT32:
        context.shape(node, node.outputs[0])
        return
    build = Composer(context, node)
    build.replace(build.mul(x, build.constant(np.ones([max(dim, 1) for dim in shape]))))


def like_unknown(context: Context, node: Node, number: float) -> None:
    """A number in the shape of the input: nothing is less than itself, not even what is no number."""
    x, dtype = node.inputs[0], node.outputs[0].type.dtype
    build = Composer(context, node)
    zeros = build.cast(build.binary("Less", x, x, DType.BOOL), dtype)
    build.replace(build.add(zeros, number) if number else zeros)


def filled_unknown(context: Context, node: Node, number: float) -> None:
    """Fill, Zeros, Ones: a number in a shape of which the network computes some dimensions."""
    arguments = node.inputs[1:-1] if node.origin.op == "Fill" else node.inputs[: max(len(node.inputs) - 1, 1)]
    computed = shape_argument(context, node, arguments)
    if computed is None:
        return
    build = Composer(context, node)
    kind = node.outputs[0].type
    build.replace(build.op("Fill", [build.constant([number], kind.dtype), computed], kind))


def shape_argument(context: Context, node: Node, arguments: Sequence[Value]) -> Value | None:
    """A shape that the graph computes, whole or number by number, as one tensor; None, and a problem, without any."""
    build = Composer(context, node)
    if len(arguments) == 1 and not arguments[0].is_const:
        return arguments[0]
    parts: list[Value] = []
    for value in arguments:
        numbers = integers_of(value) if value.is_const else None
        if numbers is not None:
            parts.append(build.constant(list(numbers), DType.INT32))
        else:
            parts.append(value if value.type.rank == 1 else build.reshape(value, (1,)))
    if all(part.is_const for part in parts):
        context.shape(node, node.outputs[0])
        return None
    count = sum(part.type.size for part in parts)
    target = build.op("Concat", parts, TensorType(DType.INT32, (count,)), axis=0)
    build.insert()
    return target
