"""Axes in both orders: what moves when a node works channels last instead of channels first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir.editing import set_input
from converter.ops.context import constant, integers_of
from converter.ops.layouts import RANK, TO_NHWC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.ir import Attr, Node, Value
    from converter.ops.lite_ops import LiteOp


def is_image(value: Value) -> bool:
    """Whether a value has four axes, so that there is something to move."""
    return value.type.rank == RANK


def is_single(value: Value) -> bool:
    """One element: the same in any layout."""
    return value.type.is_static and value.type.size == 1


def permuted(shape: Sequence[int], perm: Sequence[int]) -> tuple[int, ...]:
    """A shape with its axes in another order."""
    return tuple(shape[axis] for axis in perm)


def keeps_order(shape: Sequence[int], perm: Sequence[int]) -> bool:
    """Whether the elements stay where they are when the axes move, because those that pass each other are of size 1."""
    moving = [axis for axis in perm if shape[axis] != 1]
    return moving == sorted(moving)


def permutation(node: Node) -> tuple[int, ...] | None:
    """The constant permutation of a Transpose of four axes; None when it is another."""
    order = integers_of(node.inputs[1]) if len(node.inputs) > 1 else None
    return order if order is not None and len(order) == RANK else None


def composed(perm: Sequence[int], *, last_in: bool, last_out: bool) -> tuple[int, ...]:
    """A permutation of logical axes as one between stored axes, each side channels last or not."""
    logical = [perm[axis] for axis in (TO_NHWC if last_out else range(RANK))]
    return tuple(TO_NHWC.index(axis) if last_in else axis for axis in logical)


def can_move(node: Node, lite: LiteOp) -> bool:
    """Whether a node with axes in its arguments computes the same channels last, once they are renumbered."""
    if not is_image(node.inputs[0]):
        return False
    named = [values for _, values in _found(node, lite.axes)]
    listed = [values for _, values in _found(node, lite.per_axis)]
    if any(values is None or not all(-RANK <= axis < RANK for axis in values) for values in named):
        return False
    if any(values is None or len(values) % RANK for values in listed):
        return False
    if any(node.attrs.get(name) for name in ("reduce_to_end", "new_axis_mask", "shrink_axis_mask", "ellipsis_mask")):
        return False
    if lite.per_axis and node.attrs.get("axes") not in (None, (), tuple(range(RANK))):
        return False
    gone = {axis % RANK for values in named if values is not None for axis in values}
    return all(is_image(value) or _rest_in_order(node, gone) for value in node.outputs)


def move(node: Node, lite: LiteOp) -> None:
    """Renumber the axes of a node that from now on works channels last."""
    for place, values in _found(node, lite.axes):
        _store(node, place, [TO_NHWC.index(axis % RANK) for axis in values or ()])
    for place, values in _found(node, lite.per_axis):
        rows = np.reshape(values or (), (RANK, -1))
        _store(node, place, rows[list(TO_NHWC)].reshape(-1).tolist())
    for name in lite.masks:
        mask = int(str(node.attrs.get(name) or 0))
        node.attrs[name] = sum(1 << place for place, axis in enumerate(TO_NHWC) if mask >> axis & 1)


def _rest_in_order(node: Node, gone: set[int]) -> bool:
    """Whether the axes that a node leaves over have the same order in both layouts."""
    shape = node.inputs[0].type.shape or ()
    rest = [axis for axis in TO_NHWC if axis not in gone and shape[axis] != 1]
    return rest == sorted(rest)


def _found(node: Node, places: Sequence[int | str]) -> Iterator[tuple[int | str, tuple[int, ...] | None]]:
    """Argument places that the node has, with their numbers; None where they are computed."""
    for place in places:
        if isinstance(place, int):
            if place < len(node.inputs):
                yield place, _flat(node.inputs[place])
        elif node.attrs.get(place) not in (None, ()):
            value = node.attrs[place]
            yield place, tuple(int(str(axis)) for axis in (value if isinstance(value, tuple) else (value,)))


def _flat(value: Value) -> tuple[int, ...] | None:
    """Numbers of a constant, row by row."""
    if value.const is None:
        return None
    return tuple(int(number) for number in value.const.array().reshape(-1))


def _store(node: Node, place: int | str, numbers: list[int]) -> None:
    """Write numbers back where they came from, in their old form; a constant may be shared, so it gets a new one."""
    if isinstance(place, str):
        was_list = isinstance(node.attrs[place], tuple)
        stored: Attr = tuple(numbers) if was_list else numbers[0]
        node.attrs[place] = stored
        return
    old = node.inputs[place]
    if old.const is not None:
        array = np.asarray(numbers, old.const.dtype.numpy).reshape(old.const.shape)
        set_input(node, place, constant(f"{node.name}/axes_{place}", array))
