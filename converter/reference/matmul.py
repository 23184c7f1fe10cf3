"""MatMulFusion and FullConnection."""

from __future__ import annotations

import numpy as np

from converter.reference.activations import fused
from converter.reference.call import Array, Call, Outputs, one

_BIAS = 2
# Multiplications up to which a product is summed in the device's order, well below a millisecond.
_IN_ORDER = 1 << 15


def matmul(call: Call) -> Outputs:
    """Product of two matrices, either transposed on wish; a constant bias (input 2) is copied at compile time."""
    a, b = call[0], call[1]
    for values in (a, b):
        call.demand(values.dtype == np.float32, f"multiplies float32 matrices, not {values.dtype}")
    call.demand(min(a.ndim, b.ndim) >= 2, f"multiplies matrices, not tensors of rank {min(a.ndim, b.ndim)}")  # noqa: PLR2004 - rows and columns
    if call.flag("transpose_a"):
        a = a.swapaxes(-1, -2)
    if call.flag("transpose_b"):
        b = b.swapaxes(-1, -2)
    inner = f"{a.shape[-1]} and {b.shape[-2]}"
    call.demand(a.shape[-1] == b.shape[-2], f"multiplies matrices whose inner sizes {inner} differ")
    result = product(a, b)
    if len(call.inputs) > _BIAS:
        result = result + call.frozen(_BIAS).reshape(-1)
    return one(fused(result, call.integer("activation_type")))


def product(a: Array, b: Array) -> Array:
    """A · b. Small products are summed in the device's order, one term after another; large ones by numpy's library."""
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if a.dtype != np.float32:
        return np.asarray(np.matmul(a, b))
    if rows * inner * columns > _IN_ORDER:
        return rounded_once(a, b)
    if columns == 1 and rows > 1:
        return np.asarray(product(b.swapaxes(-1, -2), a.swapaxes(-1, -2)).swapaxes(-1, -2))
    terms = np.multiply(a[..., :, :, None], b[..., None, :, :], order="C")
    if columns == 1:
        return np.asarray(np.add.accumulate(terms, axis=-2)[..., -1, :])
    return np.asarray(np.add.reduce(terms, axis=-2))


def rounded_once(a: Array, b: Array) -> Array:
    """A · b, summed in double precision and then rounded.

    numpy's library sums in an order that depends on the processor and on the number of threads; what a calibration sees
    must not.
    """
    return np.asarray(np.matmul(a.astype(np.float64), b.astype(np.float64)), np.float32)


def full_connection(call: Call) -> Outputs:
    """X flattened from `axis` on, times the transposed weight, plus the bias."""
    x, weight = call[0], call[1]
    axis = call.integer("axis") if call.flag("use_axis") else 1
    rows = x.reshape(*x.shape[:axis], -1)
    result = product(rows, weight.T)
    if call.flag("has_bias"):
        result = result + call.frozen(_BIAS)
    return one(fused(result, call.integer("activation_type")))
