"""The user's arrays: inputs by position or name, in either layout, in MindIR's types; outputs in either layout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import Layout
from converter.reference.layouts import given_shape, image_for, image_from

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from converter.ir import Graph, Value
    from converter.reference.call import Array
    from converter.reference.session import Session

LAYOUTS = (Layout.NCHW.name, Layout.NHWC.name)
_POSITION = re.compile(r"in(\d+)")
# Types that a MindIR input may have and the converter lowers: (kind in the data, kind in the model).
_LOWERED = {("i", "i"), ("u", "i"), ("f", "f")}


def user_inputs(
    graph: Graph, arrays: Mapping[str, Array], layout_name: str, path: str, needed: Collection[int] | None = None
) -> dict[str, Array]:
    """The arrays that the graph's inputs take, by input name, in the device's layout and types.

    A missing array, a wrong shape or type, and an array that is called like an input (`in7`) but is none are all
    reported, each by name; other arrays are ignored. int64 and float64 are narrowed, as the converter does with the
    model. `needed` holds the identities of the inputs that must be there (all by default). Raises E601.
    """
    problems = Problems()
    layout = Layout[layout_name]
    found: dict[str, Array] = {}
    for index, value in enumerate(graph.inputs):
        name = value.name if value.name in arrays else f"in{index}"
        if name not in arrays:
            if needed is None or id(value) in needed:
                hint = f"add an array in{index}: {value.type.dtype.name.lower()}{given_shape(value, layout)}"
                problems.add(Problem("E601", f"has no array for input {index} ({value.name})", path, hint=hint))
            continue
        problem = _complaint(value, name, arrays[name], layout, path)
        if problem is not None:
            problems.add(problem)
            continue
        image = image_for(value, arrays[name], layout)
        found[value.name] = np.ascontiguousarray(image, dtype=value.type.dtype.numpy)
    _check_extra(graph, arrays, problems, path)
    problems.raise_if_any()
    return found


def user_outputs(session: Session, inputs: Mapping[str, Array], layout_name: str) -> dict[str, Array]:
    """Run a session's prediction; images in the user's layout, in the order of the file."""
    results = session.predict(inputs)
    layout = Layout[layout_name]
    return {value.name: image_from(value, results[value.name], layout) for value in session.predicted}


def _complaint(value: Value, name: str, array: Array, layout: Layout, path: str) -> Problem | None:
    """What is wrong with the shape or the type of an array, if anything."""
    wanted = given_shape(value, layout)
    if not _fits(array, wanted):
        other = Layout.NHWC if layout == Layout.NCHW else Layout.NCHW
        hint = f"its axes look like --layout {other.name}" if _fits(array, given_shape(value, other)) else None
        message = f"array {name!r} has the shape {list(array.shape)}, input {value.name!r} wants {wanted}"
        return Problem("E601", message, path, hint=hint)
    target = value.type.dtype.numpy
    if array.dtype == target:
        return None
    message = f"array {name!r} has the type {array.dtype}, input {value.name!r} wants {target.name}"
    if (array.dtype.kind, target.kind) not in _LOWERED:
        return Problem("E601", message, path)
    if target.kind == "i" and not np.array_equal(array.astype(target), array):
        return Problem("E601", f"{message}, and its numbers do not fit", path)
    return None


def _fits(array: Array, shape: list[int]) -> bool:
    return array.ndim == len(shape) and all(dim in (-1, have) for dim, have in zip(shape, array.shape, strict=True))


def _check_extra(graph: Graph, arrays: Mapping[str, Array], problems: Problems, path: str) -> None:
    names = {value.name for value in graph.inputs}
    for name in arrays:
        match = _POSITION.fullmatch(name)
        if match and name not in names and int(match.group(1)) >= len(graph.inputs):
            message = f"array {name!r} belongs to no input: the model has {len(graph.inputs)}"
            problems.add(Problem("E601", message, path))
