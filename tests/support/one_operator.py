"""One MindIR operator, converted by the whole pipeline and computed as the device would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import DType, Layout, Stage
from converter.passes.base import Modes
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.reference import Session
from support.graphs import constant, literal, model, node, numbered, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Attr, Model, Value

    Array = np.ndarray[Any, np.dtype[Any]]

_CHANNELS_LAST = (0, 2, 3, 1)


class Fixed:
    """An operand that the file holds: an array as a constant tensor, anything else as an argument."""

    def __init__(self, content: Any) -> None:  # noqa: ANN401 - an array, number, tuple or None
        """Keep it."""
        self.content = content


def source(
    op: str,
    operands: Sequence[Array | Fixed],
    results: Sequence[tuple[tuple[int, ...], DType]],
    attrs: dict[str, Attr] | None = None,
    *,
    trains: bool = False,
) -> Model:
    """A MindIR model of one operator; `trains` adds the update of a variable, which makes it a training step."""
    inputs = []
    for index, operand in enumerate(operands):
        if not isinstance(operand, Fixed):
            inputs.append(value(f"in{index}", *operand.shape, dtype=DType.of(operand.dtype)))
        elif isinstance(operand.content, np.ndarray):
            inputs.append(numbered(f"const{index}", operand.content))
        else:
            inputs.append(literal(operand.content))
    outputs = [value(f"out{index}", *shape, dtype=dtype) for index, (shape, dtype) in enumerate(results)]
    return around(op, inputs, outputs, attrs, trains=trains)


def around(
    op: str,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    attrs: dict[str, Attr] | None = None,
    *,
    trains: bool = False,
) -> Model:
    """A MindIR model of one operator between given values; `trains` as above."""
    nodes = [node(op, inputs, outputs, attrs)]
    fed = [each for each in inputs if not each.is_const]
    if trains:
        nodes.append(node("Assign", [constant("counter", 11), value("next", 11)], [value("done", 1)]))
        fed.append(nodes[-1].inputs[1])
    return model(nodes, fed, outputs, Stage.SOURCE)


def converted(each: Model, *, trains: bool = False) -> Model:
    """Run the passes, except those that want a whole training step."""
    passes = [one for one in PIPELINE if not one.name.startswith("require")]
    run_passes(each, passes, modes=Modes.TRAINING if trains else Modes.INFERENCE)
    return each


def compute(
    op: str,
    *operands: Array | Fixed,
    results: Sequence[tuple[int, ...]],
    trains: bool = False,
    dtype: DType = DType.FLOAT32,
    **attrs: Attr,
) -> list[Array]:
    """The results of an operator, in order; an array is fed at run time, a `Fixed` one is in the file.

    Images are given as in MindIR, channels second.
    """
    shapes = [(shape, dtype) for shape in results]
    each = converted(source(op, operands, shapes, attrs, trains=trains), trains=trains)
    arrays = [operand for operand in operands if not isinstance(operand, Fixed)]
    if trains:
        arrays.append(np.zeros(11, np.float32))
    found = list(Session(each).step(laid_out(each, arrays)).outputs.values())
    return [array.reshape(shape) for array, shape in zip(found, results, strict=True)]


def laid_out(each: Model, arrays: Sequence[Array]) -> list[Array]:
    """Inputs in MindIR's order, as a converted model wants them: images with their channels last."""
    return [
        array.transpose(_CHANNELS_LAST) if one.layout is Layout.NHWC and array.ndim == len(_CHANNELS_LAST) else array
        for one, array in zip(each.main.inputs, arrays, strict=True)
    ]


def operators(op: str, *operands: Array | Fixed, results: Sequence[tuple[int, ...]], **attrs: Attr) -> list[str]:
    """The Lite operators that an operator becomes."""
    each = converted(source(op, operands, [(shape, DType.FLOAT32) for shape in results], attrs))
    return [made.op for made in each.main.nodes]


def normal(*shape: int, seed: int = 3) -> Array:
    """Repeatable float32 numbers around zero."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
