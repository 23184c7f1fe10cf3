"""`--infer=true`: one run of a converted model on random inputs, to see that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Note
from converter.reference.session import Session

if TYPE_CHECKING:
    from converter.ir import Model, Value
    from converter.reference.call import Array

_SEED = 1
# Integers are mostly indices, or numbers of classes: these are valid in every table of two rows.
_INTEGERS = 2


def try_once(model: Model) -> list[Note]:
    """Run the model; what a user should know of it. Raises `ConversionError` E602 where it does not run."""
    unknown = [value.name for value in model.main.inputs if not value.type.is_static]
    if unknown:
        return [_warning(f"the model was not run: the shape of its input {unknown[0]!r} is not known")]
    session = Session(model)
    if session.trains:
        return [_warning("the model was not run: --infer is for models that do not train")]
    generator = np.random.default_rng(_SEED)
    with np.errstate(all="ignore"):
        outputs = session.infer([_random(value, generator) for value in model.main.inputs])
    wild = [name for name, values in outputs.items() if values.dtype.kind == "f" and not np.isfinite(values).all()]
    notes = [_warning(f"the output {name!r} is not finite on random inputs") for name in wild]
    return [*notes, Note("infer", f"the model was run once on random inputs: {len(outputs)} outputs")]


def _random(value: Value, generator: np.random.Generator) -> Array:
    """Numbers for an input."""
    shape, dtype = value.type.shape or (), value.type.dtype.numpy
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, _INTEGERS, shape).astype(dtype)


def _warning(message: str) -> Note:
    return Note("warning", message)
