"""`auto_tune` of mixed bits: the coarsest weights that leave the outputs of the model as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.quantize.mixed import quantize_mixed
from converter.quantize.twin import twin_of
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model, Value
    from converter.options import QuantOptions

    Array = np.ndarray[Any, np.dtype[Any]]

# Multiples of init_scale, and the least cosine between outputs before and after.
_STEPS = (4.0, 2.0, 1.0, 0.5)
_FINEST = 0.25
_LEAST_COSINE = 0.9995
_SEED = 20


def tuned_scale(model: Model, options: QuantOptions) -> float:
    """The largest multiple of `init_scale` with which the model answers random inputs as before."""
    session = Session(model)
    inputs = [_random(value, index) for index, value in enumerate(session.graph.inputs)]
    expected = _answer(session, inputs)
    for step in _STEPS:
        trial = twin_of(model)
        quantize_mixed(trial, options, step * options.init_scale)
        found = _answer(Session(trial), inputs)
        if _cosine(found, expected) >= _LEAST_COSINE:
            return step * options.init_scale
    return _FINEST * options.init_scale


def _random(value: Value, index: int) -> Array:
    """Normal numbers; zeros for what counts or indexes, and one for an unknown dimension."""
    shape = tuple(max(dim, 1) for dim in value.type.shape or ())
    if value.type.dtype.numpy.kind != "f":
        return np.zeros(shape, value.type.dtype.numpy)
    return np.random.default_rng((_SEED, index)).standard_normal(shape).astype(value.type.dtype.numpy)


def _answer(session: Session, inputs: list[Array]) -> Array:
    return np.concatenate([array.reshape(-1).astype(np.float64) for array in session.predict(inputs).values()])


def _cosine(first: Array, second: Array) -> float:
    sizes = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / sizes if sizes else 1.0
