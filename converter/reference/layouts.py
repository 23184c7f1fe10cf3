"""Between the user's arrays (MindIR order, NCHW) and the device's (NHWC images, KHWC kernels)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Layout
from converter.reference.session import written_inputs

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.reference.call import Array
    from converter.reference.session import Session

_RANK = 4
_SGD_STAT = 5
_TO_CHANNELS_LAST = (0, 2, 3, 1)
_TO_CHANNELS_FIRST = (0, 3, 1, 2)
_CHANNELS_LAST = (Layout.NHWC, Layout.KHWC)


def image_for(value: Value, array: Array, layout: Layout) -> Array:
    """An array given in `layout` in the order that the graph input wants; arrays without four axes stay."""
    wants_last = value.layout in _CHANNELS_LAST
    has_last = layout == Layout.NHWC
    if array.ndim != _RANK or value.type.rank != _RANK or wants_last == has_last:
        return array
    return np.asarray(array.transpose(_TO_CHANNELS_LAST if wants_last else _TO_CHANNELS_FIRST))


def image_from(value: Value, array: Array, layout: Layout) -> Array:
    """A result of the device in the order that the user asks for; arrays without four axes stay."""
    has_last = value.layout in _CHANNELS_LAST
    if array.ndim != _RANK or has_last == (layout == Layout.NHWC):
        return array
    return np.asarray(array.transpose(_TO_CHANNELS_FIRST if has_last else _TO_CHANNELS_LAST))


def given_shape(value: Value, layout: Layout) -> list[int]:
    """Shape in which the user gives a graph input when images are in `layout`: what `image_for` turns into its own."""
    shape = value.type.shape or ()
    wants_last = value.layout in _CHANNELS_LAST
    if len(shape) != _RANK or wants_last == (layout == Layout.NHWC):
        return list(shape)
    return [shape[axis] for axis in (_TO_CHANNELS_FIRST if wants_last else _TO_CHANNELS_LAST)]


def saved_variables(session: Session) -> dict[str, Array]:
    """Everything that training writes or sets, by MindIR parameter name and in MindIR layout.

    Kernels [K, H, W, C] become [K, C, H, W]. The slots of such a kernel are stored in its memory order, whatever
    their own dimensions say (the official converter leaves those unpermuted), so they follow it. Of SGD's `stat` the
    device reads and clears the first element only; MindSpore clears them all, so all are saved as the first is.
    """
    current = session.constants()
    kernels = _kernel_shapes(session.graph.nodes)
    for node in session.graph.nodes:
        if node.op == "SGD" and node.inputs[_SGD_STAT].is_const:
            stat = current[node.inputs[_SGD_STAT].name]
            current[node.inputs[_SGD_STAT].name] = np.full_like(stat, stat.reshape(-1)[0])
    return {name: _restored(current[name], value, kernels) for name, value in session.variables().items()}


def _kernel_shapes(nodes: list[Node]) -> dict[int, tuple[int, ...]]:
    """For each constant that an optimizer keeps beside a channels-last kernel: the kernel's shape."""
    shapes: dict[int, tuple[int, ...]] = {}
    for node in nodes:
        values = written_inputs(node)
        if len(values) < 2 or node.op == "FusedBatchNorm" or not _is_kernel(values[0]):  # noqa: PLR2004 - weight and slots
            continue
        shape = values[0].type.shape or ()
        for value in values:
            if value.type.size == values[0].type.size and value.type.size > 1:
                shapes[id(value)] = shape
    return shapes


def _is_kernel(value: Value) -> bool:
    return value.type.rank == _RANK and value.layout in _CHANNELS_LAST


def _restored(array: Array, value: Value, kernels: dict[int, tuple[int, ...]]) -> Array:
    shape = kernels.get(id(value), value.type.shape if _is_kernel(value) else None)
    if shape is None:
        return array
    return np.ascontiguousarray(array.reshape(shape).transpose(_TO_CHANNELS_FIRST))
