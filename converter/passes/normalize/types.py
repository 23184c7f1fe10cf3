"""64-bit and 16-bit numbers to the 32-bit ones that the device computes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, DType, Note, TensorType
from converter.ops.context import NARROWER

if TYPE_CHECKING:
    from converter.ir import Model, Value


def narrow_types(model: Model) -> bool:
    """Numbers of int64 and uint64 become int32, those of float64 and float16 float32; each change is in the report.

    A constant integer that does not fit into 32 bits is a problem, not a wrap-around.
    """
    problems = Problems()
    changed = False
    outputs = set(map(id, model.main.outputs))
    for graph in model.graphs:
        values = {
            id(v): v for v in [*graph.inputs, *(v for node in graph.nodes for v in (*node.inputs, *node.outputs))]
        }
        for value in values.values():
            if value.literal is None and value.type.dtype in NARROWER:
                _narrow(model, value, problems, is_output=id(value) in outputs)
                changed = True
    problems.raise_if_any()
    return changed


def _narrow(model: Model, value: Value, problems: Problems, *, is_output: bool) -> None:
    """One value."""
    old, new = value.type.dtype, NARROWER[value.type.dtype]
    value.type = TensorType(new, value.type.shape)
    if value.const is not None:
        numbers = value.const.array()
        if new is DType.INT32 and numbers.size and (numbers.max() > _MAX or numbers.min() < _MIN):
            message = f"constant {value.name!r} holds numbers that do not fit into the device's int32"
            problems.add(Problem("E203", message, path=model.path))
            return
        value.const = ArrayTensor.of(numbers.astype(new.numpy))
    if value.const is not None or value.producer is None or is_output:
        model.notes.append(Note("type", f"{value.name!r} is {new.name.lower()} instead of {old.name.lower()}"))


_MAX, _MIN = np.iinfo(np.int32).max, np.iinfo(np.int32).min
