"""Gathering, scattering, one-hot, segments."""

from __future__ import annotations

import numpy as np

from converter.reference.call import Array, Call, Outputs, axis_of, one

_WITH_OFF_VALUE = 4
_DEPTH = 2


def _indices(call: Call, index: int, size: int) -> Array:
    """Integer input `index`; each number must lie in [-size, size)."""
    values = call[index]
    call.demand(values.dtype in (np.dtype("i4"), np.dtype("i8")), f"indexes with {values.dtype}, not int32 or int64")
    bad = values[(values < -size) | (values >= size)]
    if bad.size:
        raise call.refuse(f"has the index {bad.reshape(-1)[0]} into {size}")
    return values


def gather(call: Call) -> Outputs:
    """Gather(x, indices, axis)."""
    x = call[0]
    axis = axis_of(call, call.numbers(2)[0], x.ndim)
    return one(np.take(x, _indices(call, 1, x.shape[axis]), axis=axis))


def gather_nd(call: Call) -> Outputs:
    """GatherNd(x, indices [..., k])."""
    return one(call[0][tuple(np.moveaxis(call[1], -1, 0))])


def gather_d(call: Call) -> Outputs:
    """GatherD(x, axis, indices): along an axis, position by position."""
    x = call[0]
    axis = axis_of(call, call.numbers(1)[0], x.ndim)
    return one(np.take_along_axis(x, _indices(call, 2, x.shape[axis]), axis=axis))


def one_hot(call: Call) -> Outputs:
    """OneHot(indices, depth, on, off), or (indices, depth, [off, on]), which wraps negative indices."""
    depth = call.numbers(1)[0]
    hint = "the device reads them as int32: cast them"
    call.demand(call[0].dtype == np.int32, f"has {call[0].dtype} indices", hint)
    indices = call[0]
    if len(call.inputs) == _WITH_OFF_VALUE:
        on, off = call[2].reshape(-1)[0], call[3].reshape(-1)[0]
    else:
        off, on = call[_DEPTH].reshape(-1)[:2]
        indices = np.where(indices < 0, indices + depth, indices)
    hits = np.arange(depth) == indices[..., None]
    result = np.where(hits, on, off).astype(np.asarray(on).dtype)
    axis = call.integer("axis")
    return one(result if axis in (-1, indices.ndim) else np.ascontiguousarray(np.moveaxis(result, -1, axis)))


def scatter_nd(call: Call) -> Outputs:
    """ScatterNd(indices, updates, shape): sums into zeros."""
    result = np.zeros(call.numbers(2), call[1].dtype)
    np.add.at(result, tuple(np.moveaxis(call[0], -1, 0)), call[1])
    return one(result)


def scatter_nd_update(call: Call) -> Outputs:
    """ScatterNdUpdate(x, indices, updates): a changed copy."""
    result = call[0].copy()
    result[tuple(np.moveaxis(call[1], -1, 0))] = call[2]
    return one(result)


def tensor_scatter_add(call: Call) -> Outputs:
    """TensorScatterAdd(x, indices, updates)."""
    result = call[0].copy()
    np.add.at(result, tuple(np.moveaxis(call[1], -1, 0)), call[2])
    return one(result)


def unsorted_segment_sum(call: Call) -> Outputs:
    """UnsortedSegmentSum(x, segments, count): rows of x added by segment; the segments' shape leads that of x."""
    x, segments, count = call[0], call[1], call.numbers(2)[0]
    rows = x.reshape(segments.size, -1)
    result = np.zeros((count, rows.shape[1]), x.dtype)
    flat = _indices(call, 1, count).reshape(-1)
    call.demand(not (flat < 0).any(), "has a negative segment")
    np.add.at(result, flat, rows)
    return one(result.reshape(count, *x.shape[segments.ndim :]))


def non_zero(call: Call) -> Outputs:
    """NonZero(x): the positions of true elements."""
    return one(np.argwhere(call[0]).astype(np.int32))


def invert_permutation(call: Call) -> Outputs:
    """InvertPermutation(x)."""
    return one(np.argsort(call[0]).astype(np.int32))


def unique(call: Call) -> Outputs:
    """Unique(x) -> (values in the order of their first places, the place of each element among them)."""
    x = call[0].reshape(-1)
    values, first, inverse = np.unique(x, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return values[order], rank[inverse.reshape(-1)]


def embedding_lookup(call: Call) -> Outputs:
    """EmbeddingLookupFusion(tables …, ids): rows of all tables in a row, shortened to max_norm if that is set."""
    table, ids = np.concatenate(call.inputs[:-1]), call.inputs[-1]
    rows = np.take(table, _indices(call, len(call.inputs) - 1, len(table)), axis=0)
    limit = call.number("max_norm")
    if limit == 0:
        return one(rows)
    axes = tuple(range(ids.ndim, rows.ndim))
    length = np.sqrt(np.square(rows).sum(axis=axes, keepdims=True, dtype=np.float32))
    return one(np.where(length > limit, rows * (limit / np.maximum(length, limit)), rows))
