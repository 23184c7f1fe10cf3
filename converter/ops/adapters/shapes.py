"""Arguments that stay inputs on the device, in the form that it reads; shapes that are known before the model runs."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, FilledTensor, Literal, TensorType, Value
from converter.ir.editing import set_input, wire
from converter.ops.adapters.unknown_shapes import (
    broadcast_unknown,
    filled_unknown,
    like_unknown,
    reshape_unknown,
    tile_unknown,
)
from converter.ops.compose import Composer
from converter.ops.context import NARROWER, integers_of, literal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Attr, Node
    from converter.ops.context import Context


def axis_argument(value: Attr) -> Value:
    """An argument that becomes a small constant tensor."""
    return Value("", TensorType(DType.INT32, ()), literal=Literal(value))


def forward(context: Context, node: Node, value: Value) -> None:
    """Let readers of a node that computes nothing read `value`; of a parameter, in the state that the node would."""
    if value.const is not None:
        read_instead(context, node, list(dict.fromkeys(node.outputs[0].users)))
    Composer(context, node).replace(value)


def read_instead(context: Context, bypassed: Node, readers: Sequence[Node]) -> None:
    """Let `readers`, who now read a parameter themselves, keep the place of `bypassed` among its updates."""
    for reader in readers:
        reader.after = (*reader.after, *bypassed.after)
    for node in context.graph.nodes:
        if any(each is bypassed for each in node.after):
            node.after = (*node.after, *(each for each in readers if each is not node))


def identity(context: Context, node: Node) -> None:
    """The first input itself."""
    forward(context, node, node.inputs[0])


def reduce(context: Context, node: Node) -> None:
    """Axes as a list; none at all means every axis."""
    axes = literal_of(node.inputs[1]) if len(node.inputs) > 1 else ()
    rank = node.inputs[0].type.rank
    if rank is None:
        context.refuse("E204", node, "the rank of its input is not known")
        return
    listed = axes if isinstance(axes, tuple) else (axes,)
    if axes is None or not listed:
        listed = tuple(range(rank))
    wire(node, [node.inputs[0], axis_argument(listed)])


def cast(context: Context, node: Node) -> None:
    """Target type as a TypeId; the device computes with 32-bit types, and between equal ones there is no Cast."""
    target = literal_of(node.inputs[1]) if len(node.inputs) > 1 else None
    if not isinstance(target, int) or target not in DType.__members__.values():
        context.refuse("E202", node, "the target type of Cast is not a constant")
        return
    narrow = NARROWER.get(DType(target), DType(target))
    if node.inputs[0].type.dtype is narrow:
        forward(context, node, node.inputs[0])
        return
    set_input(node, 1, axis_argument(int(narrow)))


def reshape(context: Context, node: Node) -> None:
    """Reshape of a Reshape needs only the last; one that changes nothing is none."""
    shape = context.ranked(node, node.outputs[0])
    if shape is None:
        return
    if any(dim < 0 for dim in shape):
        reshape_unknown(context, node, shape)
        return
    x = source = node.inputs[0]
    while source.producer is not None and source.producer.op == "Reshape":
        if source.producer.inputs[0].const is not None:
            read_instead(context, source.producer, [node])
        source = source.producer.inputs[0]
    if source.type.shape == shape:
        forward(context, node, source)
        return
    wire(node, [source if source.type.is_static else x, axis_argument(shape)])


def transpose(context: Context, node: Node) -> None:
    """Transpose(x, perm), perm of positive axes; in order it computes nothing."""
    rank = node.inputs[0].type.rank
    perm = integers_of(node.inputs[1]) if len(node.inputs) > 1 else None
    if rank is None or perm is None:
        context.refuse("E202", node, "the permutation of Transpose is not a constant")
        return
    perm = tuple(axis % rank for axis in perm)
    if perm == tuple(range(rank)):
        identity(context, node)
        return
    wire(node, [node.inputs[0], axis_argument(perm)])


def one_axis(_context: Context, node: Node) -> None:
    """Attribute `axis` counted from the front."""
    rank = node.inputs[0].type.rank
    axis = node.attrs.get("axis") or 0
    if rank:
        node.attrs["axis"] = int(str(axis)) % rank


def listed_axes(_context: Context, node: Node) -> None:
    """Attribute `axis`, a list, counted from the front."""
    rank, axes = node.inputs[0].type.rank, node.attrs.get("axis")
    if rank and isinstance(axes, tuple):
        node.attrs["axis"] = tuple(int(str(axis)) % rank for axis in axes)


def concat(context: Context, node: Node) -> None:
    """Concat along one axis; of one input it is that input."""
    if len(node.inputs) == 1:
        identity(context, node)
    else:
        one_axis(context, node)


def split(context: Context, node: Node) -> None:
    """Split along an axis; the sizes of all parts are written out."""
    one_axis(context, node)
    shapes = [context.ranked(node, value) for value in node.outputs]
    axis = int(str(node.attrs["axis"]))
    node.attrs["output_num"] = len(shapes)
    node.attrs["size_splits"] = sizes = tuple(shape[axis] for shape in shapes if shape is not None)
    if any(size < 0 for size in sizes):
        context.shape(node, node.inputs[0])


def split_by_arguments(context: Context, node: Node) -> None:
    """SplitWithSize, SplitTensor(x, sizes, axis): the sizes are those of the results."""
    axis = integers_of(node.inputs[2])
    if axis is None:
        context.refuse("E202", node, f"the axis of {node.origin.op} is not a constant")
        return
    node.attrs["axis"] = axis[0]
    split(context, node)
    wire(node, [node.inputs[0]])


def tile(context: Context, node: Node) -> None:
    """Tile(x, multiples): as many multiples as x has axes."""
    x, listed = node.inputs[0], [integers_of(value) for value in node.inputs[1:]]
    shape = context.ranked(node, x)
    if shape is None:
        return
    if None in listed:
        tile_unknown(context, node, shape)
        return
    multiples = tuple(count for counts in listed for count in counts or ())
    if all(count == 1 for count in multiples) and len(multiples) <= len(shape):
        identity(context, node)
        return
    missing = len(multiples) - len(shape)
    build = Composer(context, node)
    widened = build.reshape(x, (1,) * missing + shape) if missing > 0 else x
    build.insert()
    wire(node, [widened, axis_argument((1,) * -missing + multiples)])


def broadcast_to(context: Context, node: Node) -> None:
    """BroadcastTo: the shape, given as an attribute or an argument, is that of the result."""
    shape = context.ranked(node, node.outputs[0])
    if shape is None:
        return
    if shape == node.inputs[0].type.shape and node.inputs[0].type.is_static:
        identity(context, node)
        return
    if any(dim < 0 for dim in shape):
        broadcast_unknown(context, node, shape)
        return
    node.attrs["shape"] = shape
    wire(node, [node.inputs[0]])


def filled(number: float) -> Callable[[Context, Node], None]:
    """ZerosLike, OnesLike and the like: one number in the shape of the result."""

    def fill(context: Context, node: Node) -> None:
        kind = node.outputs[0].type
        if not kind.is_static and kind.shape == node.inputs[0].type.shape and not context.is_training:
            like_unknown(context, node, number)
            return
        shape = context.shape(node, node.outputs[0])
        if shape is not None:
            tensor = FilledTensor(kind.dtype, shape, number)
            forward(context, node, Value(node.outputs[0].name, tensor.type, const=tensor))

    return fill


def fill(value_place: int) -> Callable[[Context, Node], None]:
    """Fill and its versions: the number at `value_place`, constant or computed, in the shape of the result."""

    def adapt(context: Context, node: Node) -> None:
        place = value_place if len(node.inputs) == value_place + 1 else -1
        number = literal_of(node.inputs[place])
        flat = number[0] if isinstance(number, tuple) and len(number) == 1 else number
        if isinstance(flat, (int, float)) and not node.outputs[0].type.is_static and not context.is_training:
            filled_unknown(context, node, flat)
            return
        if isinstance(flat, (int, float)):
            filled(flat)(context, node)
            return
        shape = context.shape(node, node.outputs[0])
        if shape is not None:
            build = Composer(context, node)
            single = build.reshape(node.inputs[place], (1,) * max(len(shape), 1))
            kind = TensorType(single.type.dtype, shape)
            build.replace(build.op("BroadcastTo", [single], kind, shape=shape))

    return adapt


def known(measure: Callable[[tuple[int, ...]], list[int] | int]) -> Callable[[Context, Node], None]:
    """Rank, Size: a number that follows from the shape of the input."""

    def adapt(context: Context, node: Node) -> None:
        shape = (context.ranked if measure is len else context.shape)(node, node.inputs[0])
        if shape is not None:
            build = Composer(context, node)
            build.replace(build.constant(measure(shape), DType.INT32))

    return adapt


_RANGE_BOUNDS = 3
_LONGEST_RANGE = 1 << 26


def number_range(context: Context, node: Node) -> None:
    """Range(start, limit, delta) of constants."""
    bounds = [literal_of(value) for value in node.inputs[:3]]
    numbers = [bound for bound in bounds if isinstance(bound, (int, float))]
    if len(numbers) < _RANGE_BOUNDS:
        context.refuse("E202", node, "the bounds of Range are not constants", "compute them outside of the network")
        return
    start, limit, delta = numbers
    if not delta or abs(limit - start) > _LONGEST_RANGE * abs(delta):
        context.refuse("E208", node, f"Range({start}, {limit}, {delta}) has too many numbers for a constant")
        return
    build = Composer(context, node)
    build.replace(build.constant(np.arange(start, limit, delta), node.outputs[0].type.dtype))


rank_of = known(len)
size_of = known(prod)
