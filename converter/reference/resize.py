"""Resizing of NHWC images and its gradients."""

from __future__ import annotations

import numpy as np

from converter.reference.call import Array, Call, Outputs, one

_LINEAR, _NEAREST = 0, 1
_ASYMMETRIC, _ALIGN_CORNERS, _HALF_PIXEL = 0, 1, 2
_SIZE = 2


def _places(call: Call, mode: int, old: int, new: int) -> Array:
    """Position in the old image of every new pixel along an axis."""
    steps = np.arange(new, dtype=np.float32)
    if mode == _ALIGN_CORNERS:
        return steps * np.float32((old - 1) / (new - 1) if new > 1 else 0)
    scale = np.float32(old) / np.float32(new)
    if mode == _HALF_PIXEL:
        return np.asarray((steps + np.float32(0.5)) * scale - np.float32(0.5))
    call.demand(mode == _ASYMMETRIC, f"has the coordinate mode {mode}, for which the device has no kernel")
    return np.asarray(steps * scale)


def _linear(places: Array, old: int) -> Array:
    """Interpolation weights [new, old] along an axis."""
    places = np.maximum(places, 0)
    low = np.minimum(np.floor(places).astype(np.int64), old - 1)
    high = np.minimum(low + 1, old - 1)
    share = (places - low).astype(np.float32)
    weights = np.zeros((len(places), old), np.float32)
    rows = np.arange(len(places))
    np.add.at(weights, (rows, low), np.float32(1) - share)
    np.add.at(weights, (rows, high), share)
    return weights


def _nearest(places: Array, old: int, mode: int) -> Array:
    """Selection weights [new, old] along an axis."""
    chosen = np.floor(places + np.float32(0.5)) if mode == _ALIGN_CORNERS else np.floor(places)
    weights = np.zeros((len(places), old), np.float32)
    weights[np.arange(len(places)), np.clip(chosen, 0, old - 1).astype(np.int64)] = 1
    return weights


def resize(call: Call) -> Outputs:
    """Resize(x[, size]) of [N, H, W, C]."""
    x = call[0]
    size = (call.integer("new_height"), call.integer("new_width"))
    if len(call.inputs) > 1:
        given = call[1].reshape(-1)
        numbers = [float(number) for number in given[-_SIZE:] if given.size == _SIZE] or [float(n) for n in given[1:3]]
        is_scale = given.dtype.kind == "f"
        size = tuple(int(x.shape[1 + i] * n) if is_scale else int(n) for i, n in enumerate(numbers))  # type: ignore[assignment] # two
    mode, method = call.integer("coordinate_transform_mode"), call.integer("method")
    call.demand(method in (_LINEAR, _NEAREST), f"has the resize method {method}, which this interpreter does not know")
    matrices = []
    for axis in (0, 1):
        places = _places(call, mode, x.shape[1 + axis], size[axis])
        old = x.shape[1 + axis]
        matrices.append(_linear(places, old) if method == _LINEAR else _nearest(places, old, mode))
    return one(_apply(x, matrices[0], matrices[1]))


def _apply(x: Array, rows: Array, columns: Array) -> Array:
    return np.asarray(np.einsum("hi,wj,nijc->nhwc", rows, columns, x, optimize=True), dtype=np.float32)


def resize_grad(call: Call) -> Outputs:
    """ResizeGrad(dy, x or [H, W]): the adjoint of an asymmetric (or corner-aligned) resize."""
    dy, method = call[0], call.integer("method")
    target = call[1]
    height, width = (target.shape[1], target.shape[2]) if target.ndim == dy.ndim else call.numbers(1)[-2:]
    mode = _ALIGN_CORNERS if call.flag("align_corners") else _ASYMMETRIC
    weights = [
        (_linear(places, old) if method == _LINEAR else _nearest(places, old, mode))
        for old, new in ((height, dy.shape[1]), (width, dy.shape[2]))
        for places in (_places(call, mode, old, new),)
    ]
    return one(_apply(dy, weights[0].T, weights[1].T))
