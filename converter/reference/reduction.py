"""Reductions, arg-extrema, top-k, cumulative sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.reference import sums
from converter.reference.call import Array, Call, Outputs, axis_of, one

if TYPE_CHECKING:
    from collections.abc import Callable

    Reducer = Callable[[Array, tuple[int, ...], bool], Array]

_INPUTS_WITH_AXES = 2


def _sum(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    return _kept(sums.total(x, axes), axes, keep)


def _mean(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    if x.dtype.kind == "f":
        return _kept(sums.mean(x, axes), axes, keep)
    count = int(np.prod([x.shape[axis] for axis in axes]))
    return np.asarray(np.trunc(_sum(x, axes, keep) / count), dtype=x.dtype)


def _kept(result: Array, axes: tuple[int, ...], keep: bool) -> Array:
    return result if keep else result.squeeze(axes)


_REDUCERS: dict[int, Reducer] = {
    0: _mean,
    1: lambda x, axes, keep: np.asarray(x.max(axis=axes, keepdims=keep)),
    2: lambda x, axes, keep: np.asarray(x.min(axis=axes, keepdims=keep)),
    3: lambda x, axes, keep: np.asarray(x.prod(axis=axes, keepdims=keep, dtype=x.dtype)),
    4: _sum,
    5: lambda x, axes, keep: _sum(np.square(x), axes, keep),
    6: lambda x, axes, keep: _sum(np.abs(x), axes, keep),
    7: lambda x, axes, keep: np.asarray(x.all(axis=axes, keepdims=keep)),
    8: lambda x, axes, keep: np.asarray(np.sqrt(_sum(np.square(x), axes, keep))),
}
_ALL = 7


def reduce(call: Call) -> Outputs:
    """ReduceFusion(x[, axes]): mean, max, min, product, sum, sum of squares, of sizes, all, or L2 norm, times coeff."""
    x, mode = call[0], call.integer("mode")
    call.demand(mode in _REDUCERS, f"has the reduction mode {mode}, for which the device has no kernel")
    call.demand((mode == _ALL) == (x.dtype == np.bool_), f"cannot reduce {x.dtype} by mode {mode}")
    axes = call.numbers(1) if len(call.inputs) >= _INPUTS_WITH_AXES else []
    chosen = tuple(dict.fromkeys(axis_of(call, axis, x.ndim) for axis in axes)) or tuple(range(x.ndim))
    if call.flag("reduce_to_end"):
        chosen = tuple(range(chosen[0], x.ndim))
    result = _REDUCERS[mode](x, chosen, call.flag("keep_dims"))
    coefficient = call.number("coeff")
    if x.dtype.kind == "f" and coefficient not in (0, 1):
        result = np.asarray(result * coefficient)
    return one(result)


def arg_extremum(is_max: bool) -> Callable[[Call], Outputs]:
    """ArgMaxFusion, ArgMinFusion(x) -> positions[, values]: the top_k extrema along an axis, the first of equals."""

    def kernel(call: Call) -> Outputs:
        x = call[0]
        axis = axis_of(call, call.integer("axis"), x.ndim)
        count = max(1, call.integer("top_k"))
        order = np.argsort(-x if is_max else x, axis=axis, kind="stable")
        where = np.take(order, range(count), axis=axis).astype(np.int32)
        values = np.take_along_axis(x, where, axis=axis)
        if count == 1 and not call.flag("keep_dims"):
            where, values = where.squeeze(axis), values.squeeze(axis)
        first = (values, where) if call.flag("out_max_value") else (where, values)
        return first[: len(call.node.outputs)]

    return kernel


def top_k(call: Call) -> Outputs:
    """TopKFusion(x, k) -> values, positions along the last axis, largest first."""
    x, count = call[0], call.numbers(1)[0]
    where = np.argsort(-x, axis=-1, kind="stable")[..., :count].astype(np.int32)
    if not call.flag("sorted"):
        where = np.sort(where, axis=-1)
    return np.take_along_axis(x, where, axis=-1), where


def cumulative_sum(call: Call) -> Outputs:
    """CumSum(x, axis), optionally exclusive, optionally from the end."""
    x = call[0]
    axis = axis_of(call, call.numbers(1)[0], x.ndim)
    values = np.flip(x, axis) if call.flag("reverse") else x
    added = np.cumsum(values, axis=axis, dtype=x.dtype)
    if call.flag("exclusive"):
        added = added - values
    return one(np.flip(added, axis) if call.flag("reverse") else added)
