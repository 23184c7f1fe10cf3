"""One call of a kernel: types checked, numpy's complaints turned into located refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.errors import ConversionError
from converter.ops.lite_ops import QUANTIZED_ONLY
from converter.reference.checks import check_types
from converter.reference.kernels import KERNELS
from converter.reference.quantized import compute_in_int8, computes_in_int8

if TYPE_CHECKING:
    from converter.reference.call import Call, Outputs

# What numpy raises when a kernel meets shapes or types that do not fit each other.
_MISFIT = (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError)


def compute(call: Call) -> Outputs:
    """The outputs of a node, as arrays. Raises `ConversionError` E602 when the device could not compute them."""
    is_int8 = computes_in_int8(call.node)
    if not (is_int8 or call.node.op in QUANTIZED_ONLY):
        check_types(call)
    kernel = KERNELS[call.node.op]
    try:
        with np.errstate(all="ignore"):
            results = compute_in_int8(call, kernel) if is_int8 else kernel(call)
            # Operations on arrays without axes give numpy scalars.
            return tuple(None if values is None else np.asarray(values) for values in results)
    except ConversionError:
        raise
    except _MISFIT as problem:
        shapes = ", ".join(f"{values.dtype}{list(values.shape)}" for values in call.inputs)
        raise call.refuse(f"cannot be computed from ({shapes}): {problem}") from problem
