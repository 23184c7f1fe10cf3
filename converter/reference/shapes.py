"""Operators that move numbers without changing them: reshape, transpose, slice, join, repeat, fill."""

from __future__ import annotations

import numpy as np

from converter.ir import DType
from converter.reference.call import Array, Call, Kernel, Outputs, axis_of, one

_MAX_AXES = 8


def reshape(call: Call) -> Outputs:
    """Reshape(x, shape): 0 keeps a dimension, -1 is what remains. Of a constant the device makes a copy each time."""
    x = call[0]
    wanted = call.numbers(1) if len(call.inputs) > 1 else list(call.ints("shape"))
    dims = [x.shape[i] if dim == 0 and i < x.ndim else dim for i, dim in enumerate(wanted)]
    known = int(np.prod([dim for dim in dims if dim != -1]))
    fits = x.size == known or (-1 in dims and known and not x.size % known)
    call.demand(bool(fits), f"makes {wanted} of {list(x.shape)}, which has another number of elements")
    return one(x.reshape(dims))


def flatten(call: Call) -> Outputs:
    """Flatten(x): the axes from `axis` on become one."""
    x = call[0]
    axis = axis_of(call, call.integer("axis"), x.ndim + 1)
    return one(x.reshape(int(np.prod(x.shape[:axis])), -1))


def flatten_grad(call: Call) -> Outputs:
    """FlattenGrad(dy, shape)."""
    return one(call[0].reshape(call.numbers(1)))


def transpose(call: Call) -> Outputs:
    """Transpose(x, permutation)."""
    x, perm = call[0], call.numbers(1)
    if len(perm) != x.ndim and x.ndim:
        raise call.refuse(f"permutes {len(perm)} axes of a tensor of rank {x.ndim}")
    hint = "the device would go on with old memory"
    call.demand(sorted(perm) == list(range(x.ndim)), f"has the permutation {perm}, which is none", hint)
    return one(np.ascontiguousarray(x.transpose(perm)))


def expand_dims(call: Call) -> Outputs:
    """ExpandDims(x, axis)."""
    axis = axis_of(call, call.numbers(1)[0], call[0].ndim + 1)
    return one(np.expand_dims(call[0], axis))


def unsqueeze(call: Call) -> Outputs:
    """Unsqueeze(x): new axes at the places in the result that the attribute names."""
    return one(np.expand_dims(call[0], call.ints("axis")))


def squeeze(call: Call) -> Outputs:
    """Squeeze(x): the named axes of size 1, or all."""
    x = call[0]
    axes = tuple(axis_of(call, axis, x.ndim) for axis in call.ints("axis")) if call.has("axis") else None
    return one(np.squeeze(x, axes))


def concat(call: Call) -> Outputs:
    """Concat of all inputs along an axis."""
    axis = axis_of(call, call.integer("axis"), call[0].ndim)
    return one(np.concatenate(call.inputs, axis=axis))


def stack(call: Call) -> Outputs:
    """Stack of all inputs along a new axis."""
    return one(np.stack(call.inputs, axis=call.integer("axis")))


def unstack(call: Call) -> Outputs:
    """Unstack(x): one output for each position along an axis."""
    axis = axis_of(call, call.integer("axis"), call[0].ndim)
    return tuple(np.take(call[0], i, axis=axis) for i in range(call[0].shape[axis]))


def split(call: Call) -> Outputs:
    """Split(x) into the given sizes, or evenly."""
    x, axis = call[0], axis_of(call, call.integer("axis"), call[0].ndim)
    sizes = list(call.ints("size_splits")) if call.has("size_splits") else []
    count = len(call.node.outputs)
    if not sizes:
        call.demand(not x.shape[axis] % count, f"splits {x.shape[axis]} into {count} equal parts")
        sizes = [x.shape[axis] // count] * count
    if -1 in sizes:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(size for size in sizes if size != -1)
    call.demand(sum(sizes) == x.shape[axis], f"splits {x.shape[axis]} into {sizes}")
    return tuple(np.ascontiguousarray(part) for part in np.split(x, np.cumsum(sizes)[:-1], axis=axis))


def tile(call: Call) -> Outputs:
    """TileFusion(x, multiples)."""
    return one(np.tile(call[0], call.numbers(1)))


def broadcast_to(call: Call) -> Outputs:
    """BroadcastTo(x[, shape]): -1 keeps a dimension."""
    x = call[0]
    wanted = call.numbers(1) if len(call.inputs) > 1 else list(call.ints("shape"))
    extra = len(wanted) - x.ndim
    dims = [x.shape[i - extra] if dim == -1 else dim for i, dim in enumerate(wanted)]
    return one(np.ascontiguousarray(np.broadcast_to(x, dims)))


def slice_fusion(call: Call) -> Outputs:
    """SliceFusion(x, begin, size): a size of -1 goes to the end."""
    x, begins, sizes = call[0], call.numbers(1), call.numbers(2)
    axes = call.ints("axes") if call.has("axes") else tuple(range(len(begins)))
    index = [slice(None)] * x.ndim
    for axis, begin, size in zip(axes, begins, sizes, strict=True):
        start = begin if begin >= 0 else begin + x.shape[axis]
        stop = x.shape[axis] if size == -1 else start + size
        call.demand(
            0 <= start <= stop <= x.shape[axis], f"takes {start}:{stop} of the {x.shape[axis]} along axis {axis}"
        )
        index[axis] = slice(start, stop)
    return one(np.ascontiguousarray(x[tuple(index)]))


def strided_slice(call: Call) -> Outputs:
    """StridedSlice(x, begin, end[, strides]) with its five masks."""
    x = call[0]
    begins, ends = call.numbers(1), call.numbers(2)
    strides = call.numbers(3) if len(call.inputs) > 3 else [1] * len(begins)  # noqa: PLR2004 - the fourth input
    index: list[slice | int | None] = []
    ellipsis = _bits(call, "ellipsis_mask")
    new, shrink = _bits(call, "new_axis_mask"), _bits(call, "shrink_axis_mask")
    open_begin, open_end = _bits(call, "begin_mask"), _bits(call, "end_mask")
    for i, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        if ellipsis[i]:
            rest = sum(not new[k] for k in range(i + 1, len(begins)))
            used = sum(item is not None for item in index)
            index.extend([slice(None)] * (x.ndim - used - rest))
        elif new[i]:
            index.append(None)
        elif shrink[i]:
            index.append(begin)
        else:
            index.append(slice(None if open_begin[i] else begin, None if open_end[i] else end, stride))
    return one(np.ascontiguousarray(x[tuple(index)]))


def _bits(call: Call, name: str) -> list[bool]:
    mask = call.integer(name)
    return [bool(mask >> i & 1) for i in range(_MAX_AXES * 2)]


def strided_slice_grad(call: Call) -> Outputs:
    """StridedSliceGrad(dy, shape, begin, end, strides) -> dx.

    The device ignores all masks and pads dy's shape with ones on the LEFT: with a shrunken axis dy's rows land along
    the wrong axes. A negative begin has the size of the axis of dy (not of dx) added.
    """
    dy, shape = call[0], call.numbers(1)
    begins, strides = call.numbers(2), call.numbers(4)
    aligned = (1,) * (len(shape) - dy.ndim) + dy.shape
    begins = [begin + aligned[i] if begin < 0 else begin for i, begin in enumerate(begins)]
    ranges = [begins[i] + strides[i] * np.arange(count) for i, count in enumerate(aligned)]
    dx = np.zeros(shape, np.float32)
    flat = np.ravel_multi_index(np.meshgrid(*ranges, indexing="ij"), shape, mode="wrap")
    dx.reshape(-1)[flat.reshape(-1)] = dy.reshape(-1)
    return one(dx)


def pad(call: Call) -> Outputs:
    """PadFusion(x, paddings): constant, or mirrored without (1) or with (2) the edge."""
    x, pairs = call[0], np.asarray(call[1]).reshape(-1, 2)
    widths = [(0, 0)] * (x.ndim - len(pairs)) + [(int(a), int(b)) for a, b in pairs]
    mode = call.integer("padding_mode")
    if mode == 0:
        value = float(call[2].reshape(-1)[0]) if len(call.inputs) > 2 else float(call.number("constant_value"))  # noqa: PLR2004 - the third input
        return one(np.pad(x, widths, constant_values=value))
    call.demand(mode in (1, 2), f"has the unknown padding mode {mode}")
    return one(np.pad(x, widths, mode="reflect" if mode == 1 else "symmetric"))


def shape_of(call: Call) -> Outputs:
    """Shape(x) as int32."""
    return one(np.array(call.shape(), np.int32))


def size_of(call: Call) -> Outputs:
    """Size(x): the number of elements."""
    return one(np.array([call[0].size], np.int32))


def rank_of(call: Call) -> Outputs:
    """Rank(x)."""
    return one(np.array([call[0].ndim], np.int32))


def fill(call: Call) -> Outputs:
    """Fill(value, shape)."""
    return one(np.full(call.numbers(1), call[0].reshape(-1)[0], call[0].dtype))


def fill_v2(call: Call) -> Outputs:
    """FillV2(shape, value)."""
    return one(np.full(call.numbers(0), call[1].reshape(-1)[0], call[1].dtype))


def constant_of_shape(call: Call) -> Outputs:
    """ConstantOfShape(shape): one value everywhere."""
    values = call.node.attrs.get("value") or (0.0,)
    number = values[0] if isinstance(values, tuple) else values
    return one(np.full(call.numbers(0), number, DType(call.integer("data_type")).numpy))


def ones_like(call: Call) -> Outputs:
    """OnesLike(x)."""
    return one(np.ones_like(call[0]))


def zeros_like(call: Call) -> Outputs:
    """ZerosLike(x)."""
    return one(np.zeros_like(call[0]))


def reverse(call: Call) -> Outputs:
    """ReverseV2(x) along the given axes."""
    return one(np.ascontiguousarray(np.flip(call[0], call.ints("axis"))))


def number_range(call: Call) -> Outputs:
    """Range(start, limit, delta)."""
    if len(call.inputs) == 3:  # noqa: PLR2004 - start, limit, delta
        start, limit, delta = (values.reshape(-1)[0] for values in call.inputs)
    else:
        start, limit, delta = (np.int32(call.integer(name)) for name in ("start", "limit", "delta"))
    return one(np.arange(start, limit, delta, dtype=call[0].dtype))


def reverse_sequence(call: Call) -> Outputs:
    """ReverseSequence(x, lengths): the first steps of each sequence in reverse order, the rest as they are."""
    x, lengths = call[0], call.numbers(1)
    along, batch = (axis_of(call, call.integer(name), x.ndim) for name in ("seq_dim", "batch_dim"))
    call.demand(
        along != batch and len(lengths) == x.shape[batch], f"has {len(lengths)} lengths for {x.shape[batch]} rows"
    )
    result = x.copy()
    source, target = (np.moveaxis(array, (batch, along), (0, 1)) for array in (x, result))
    for row, length in enumerate(lengths):
        target[row, :length] = source[row, :length][::-1]
    return one(result)


def triangle(keep_upper: bool) -> Kernel:
    """Triu, Tril(x[, k])."""

    def kernel(call: Call) -> Outputs:
        diagonal = call.numbers(1)[0] if len(call.inputs) > 1 else 0
        part: Array = np.triu(call[0], diagonal) if keep_upper else np.tril(call[0], diagonal)
        return one(part)

    return kernel
