"""The arrays of one step against the inputs of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from converter.errors import Problem, Problems

if TYPE_CHECKING:
    from converter.ir import Graph, Value
    from converter.reference.call import Array


def check_inputs(
    graph: Graph, given: Mapping[str, Array] | Sequence[Array], needed: set[int], path: str | None
) -> dict[int, Array]:
    """The given arrays by the identity of the graph input, all checked. Raises `ConversionError` E601.

    `given` is a sequence in the order of the graph's inputs, or a mapping by tensor name or `in0`, `in1`, …. An
    input that no node reads may be missing. The device reads raw bytes: an array must have the input's element type.
    """
    problems = Problems()
    found: dict[int, Array] = {}
    for index, value in enumerate(graph.inputs):
        array = _pick(given, index, value.name)
        if array is None:
            if id(value) in needed:
                problems.add(Problem("E601", f"input {index} ({value.name}) is missing", path=path))
            continue
        complaint = _complaint(value, array)
        if complaint:
            problems.add(Problem("E601", f"input {index} ({value.name}) {complaint}", path=path))
        found[id(value)] = np.asarray(array, order="C")
    problems.raise_if_any()
    return found


def _pick(given: Mapping[str, Array] | Sequence[Array], index: int, name: str) -> Array | None:
    if isinstance(given, Mapping):
        array = given.get(name, given.get(f"in{index}"))
    else:
        array = given[index] if index < len(given) else None
    return None if array is None else np.asarray(array)


def _complaint(value: Value, array: Array) -> str | None:
    wanted = value.type.dtype.numpy
    if array.dtype != wanted:
        return f"has the type {array.dtype}, the model wants {wanted.name}"
    shape = value.type.shape or ()
    fits = len(shape) == array.ndim and all(dim in (-1, have) for dim, have in zip(shape, array.shape, strict=True))
    return None if fits else f"has the shape {list(array.shape)}, the model wants {list(shape)}"
