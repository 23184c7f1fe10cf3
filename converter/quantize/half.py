"""`--fp16=on`: float32 constants of inference models stored as float16; the device widens them when it loads a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, Note, TensorType
from converter.ir.half import HalfTensor
from converter.ops.lite_ops import LITE_OPS

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Tensor, Value

    Numbers = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

# Smaller ones save less than they cost in a file's tables; among them are the sizes and factors that the device reads
# before it widens anything.
_FEWEST_ELEMENTS = 16
# What rounds to a number of float16, and what does so with all of its eleven digits.
_TOO_LARGE, _SMALLEST_NORMAL = 65520.0, 2.0**-14
# A constant that goes into another graph is an input there, and only constants are widened.
# How the pass narrow-types ends its notes on values of float16.
_WIDENED = "instead of float16"
_CALLS = frozenset({"Call", "PartialFusion", "Switch", "SwitchLayer"})


def store_as_float16(model: Model) -> None:
    """Store the float32 constants of all graphs as float16, but for those that would lose their numbers or meaning."""
    kept = set().union(*(_must_stay(graph) for graph in model.graphs))
    count, saved = 0, 0
    for value in _constants(model):
        if value.const is None or id(value) in kept:
            continue
        if not _is_held(value.const):
            model.notes.append(Note("type", f"{value.name!r} stays float32: float16 does not hold its numbers"))
            continue
        value.const = HalfTensor(value.const)
        value.type = TensorType(DType.FLOAT16, value.type.shape)
        count += 1
        saved += value.const.nbytes
    model.notes.append(Note("type", f"{count} constants are stored as float16, in {saved} bytes less"))


def keep_float16(model: Model) -> None:
    """Store constants as float16 that came as such and still are numbers of float16: nothing is lost, half is saved."""
    if not any(note.message.endswith(_WIDENED) for note in model.notes):
        return
    kept = set().union(*(_must_stay(graph) for graph in model.graphs))
    for value in _constants(model):
        if value.const is not None and id(value) not in kept and _is_exact(value.const):
            value.const = HalfTensor(value.const)
            value.type = TensorType(DType.FLOAT16, value.type.shape)


def _is_exact(tensor: Tensor) -> bool:
    """Whether every number is one of float16; the first piece tells for most tensors."""
    return all(_is_half(np.frombuffer(piece, DType.FLOAT32.numpy)) for piece in tensor.chunks())


def _is_half(numbers: Numbers) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(numbers.astype(DType.FLOAT16.numpy).astype(numbers.dtype), numbers))


def _constants(model: Model) -> list[Value]:
    """Constants worth it, each once."""
    found = {id(value): value for graph in model.graphs for value in graph.constants()}
    return [
        value
        for value in found.values()
        if value.type.dtype is DType.FLOAT32 and value.const is not None and value.const.size >= _FEWEST_ELEMENTS
    ]


def _must_stay(graph: Graph) -> set[int]:
    """Constants that somebody writes, or that leave the graph."""
    kept = {id(value) for value in graph.outputs}
    for node in graph.nodes:
        places = range(len(node.inputs)) if node.op in _CALLS else LITE_OPS[node.op].writes
        kept.update(id(node.inputs[place]) for place in places if place < len(node.inputs))
    return kept


def _is_held(tensor: Tensor) -> bool:
    """Whether float16 has the tensor's numbers, the small ones to within the rounding of the largest."""
    largest = max((_largest(piece) for piece in tensor.chunks()), default=0.0)
    return largest == 0 or _SMALLEST_NORMAL <= largest < _TOO_LARGE


def _largest(piece: memoryview) -> float:
    """The largest magnitude that is finite."""
    numbers = np.abs(np.frombuffer(piece, DType.FLOAT32.numpy))
    return float(numbers.max(initial=0.0, where=np.isfinite(numbers)))
