"""One call of a kernel: types checked, numpy's complaints turned into located refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.errors import ConversionError
from converter.reference.checks import check_types
from converter.reference.kernels import KERNELS

if TYPE_CHECKING:
    from converter.reference.call import Call, Outputs

# What numpy raises when a kernel meets shapes or types that do not fit each other.
_MISFIT = (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError)


def compute(call: Call) -> Outputs:
    """The outputs of a node, as arrays. Raises `ConversionError` E602 when the device could not compute them."""
    check_types(call)
    try:
        with np.errstate(all="ignore"):
            # Operations on arrays without axes give numpy scalars.
            return tuple(None if values is None else np.asarray(values) for values in KERNELS[call.node.op](call))
    except ConversionError:
        raise
    except _MISFIT as problem:
        shapes = ", ".join(f"{values.dtype}{list(values.shape)}" for values in call.inputs)
        raise call.refuse(f"cannot be computed from ({shapes}): {problem}") from problem
