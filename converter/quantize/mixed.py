"""WEIGHT_QUANT with bit_num=0: each weight gets as many levels as its share of the error allows, coded by frequency.

The step of a weight is chosen so that the weight changes by `init_scale`, relatively (2-norm), which for inputs that it
has no preference for is the change of the layer's output. Levels are coded by entropy (converter/ops/fse.py), so that a
level costs as many bits as it is rare; each stands for the mean of its numbers. The tensor stays float32: the runtime
decodes it when it loads the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import Note
from converter.ops.encoding import EncodedTensor, Encoding
from converter.ops.fse import MOST_SYMBOLS, compress
from converter.quantize.policy import CONVOLUTIONS, candidates, choose

if TYPE_CHECKING:
    from converter.ir import Model, Node
    from converter.options import QuantOptions

    Array = np.ndarray[Any, np.dtype[Any]]

QUANT_WEIGHT = 4
_CODED = frozenset({*CONVOLUTIONS, "MatMulFusion"})
_CLOSE_ENOUGH = 0.01


def quantize_mixed(model: Model, options: QuantOptions, target: float) -> None:
    """Code the weights of convolutions and products at a relative change of `target`.

    Raises `ConversionError` E401 for weights that hold NaN or infinity.
    """
    problems = Problems()
    count = 0
    for graph in model.graphs:
        for node in graph.nodes:
            if node.op in _CODED:
                count += _quantize_node(model, node, options, target, problems)
    problems.raise_if_any()
    if not count:
        model.notes.append(Note("warning", "no weight gets smaller by entropy coding: nothing was quantized"))


def _quantize_node(model: Model, node: Node, options: QuantOptions, target: float, problems: Problems) -> int:
    """The weights of one node; a weight that would not shrink stays as it is."""
    count = 0
    for value in candidates(node, options):
        if choose(node, value, options) is None or value.const is None or isinstance(value.const, EncodedTensor):
            continue
        numbers = value.const.array()
        if not np.isfinite(numbers).all():
            message = f"weight {value.name!r} holds NaN or infinity, so it has no scale"
            problems.add(Problem("E401", message, path=model.path, node=node.name, op=node.op))
            continue
        coded = encode_weight(numbers, target, options.max_iterations)
        if coded.nbytes < numbers.nbytes:
            value.const = coded
            count += 1
            for user in value.users:
                user.quant_type = QUANT_WEIGHT
    return count


def encode_weight(numbers: Array, target: float, iterations: int) -> EncodedTensor:
    """A weight on levels that change it by `target`."""
    flat = numbers.reshape(-1).astype(np.float64)
    levels = np.rint(flat / _step(flat, target, iterations)).astype(np.int64)
    _, symbols = np.unique(levels, return_inverse=True)
    means = (np.bincount(symbols, flat) / np.bincount(symbols)).astype(np.float32)
    shown = means[symbols].reshape(numbers.shape)
    return EncodedTensor(shown, compress(symbols, means), Encoding.FSE)


def _step(flat: Array, target: float, iterations: int) -> float:
    """The distance of levels, found by bisection on a logarithmic scale."""
    size = float(np.linalg.norm(flat))
    if not size:
        return 1.0
    low, high = 2 * float(np.abs(flat).max()) / (MOST_SYMBOLS - 2), 4 * float(np.abs(flat).max())
    step = min(max(target * size / np.sqrt(flat.size) * np.sqrt(12), low), high)
    for _ in range(iterations):
        change = float(np.linalg.norm(flat - np.rint(flat / step) * step)) / size
        if abs(change - target) <= _CLOSE_ENOUGH * target:
            break
        if change > target:
            high = step
        else:
            low = step
        step = float(np.sqrt(low * high))
    return float(step)
