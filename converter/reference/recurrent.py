"""The LSTM kernels: training with one flat weight, its gradient with the device's traps, inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converter.reference import approximations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.reference.call import Array, Call, Outputs

_GATES = 4
_TRAINING_INPUTS = 4
# Positions of the gates i, f, g, o in an inference weight, whose rows are i, o, f, g.
_FROM_IOFG = (0, 2, 3, 1)
_F = np.float32


@dataclass(frozen=True)
class _Weights:
    """One direction: input [4, H, I], hidden [4, H, H], bias [4, H], in the gate order i, f, g, o."""

    w: Array
    v: Array
    b: Array


@dataclass
class _Trace:
    """What one direction computed: h, c and the gates, each [T, B, H]."""

    h: Array
    c: Array
    gates: Array

    def reserve(self) -> Array:
        """The device's memory for the gradient: h, c, i, o, f, g."""
        i, f, g, o = self.gates
        return np.concatenate([part.reshape(-1) for part in (self.h, self.c, i, o, f, g)])


def lstm(call: Call) -> Outputs:
    """LSTM. Training: (x [T, B, I], h0, c0, flat weight); inference: (x, w, v, bias, h0, c0). -> (y, h, c, reserve, …).

    The reserve is written only in training and when an optimizer updates the weight itself; otherwise a gradient
    reads old memory.
    """
    x = call[0]
    if len(call.inputs) == _TRAINING_INPUTS:
        h0, c0, weights = call[1], call[2], _unpack(call, call[3].reshape(-1), x.shape[2])
    else:
        h0, c0, weights = call[4], call[5], _unpack_inference(call)
    hidden = weights[0].v.shape[-1]
    h0, c0 = (state.reshape(-1, x.shape[1], hidden) for state in (h0, c0))
    traces = [_run(x[::-1] if d else x, weights[d], h0[d], c0[d]) for d in range(len(weights))]
    y = np.concatenate([trace.h[::-1] if d else trace.h for d, trace in enumerate(traces)], axis=-1)
    stores = call.is_training and call.is_trainable
    call.demand(not stores or len(traces) == 1, "trains in two directions, which this interpreter does not know")
    reserve = traces[0].reserve() if stores else None
    states = np.stack([trace.h[-1] for trace in traces]), np.stack([trace.c[-1] for trace in traces])
    outputs: Outputs = (np.ascontiguousarray(y), *states, reserve, None)
    return _shaped(call, outputs[: len(call.node.outputs)])


def _unpack(call: Call, flat: Array, inputs: int) -> list[_Weights]:
    """Directions of a flat training weight: all input matrices, then all hidden ones, then the biases."""
    hidden, directions = call.integer("hidden_size"), 2 if call.flag("bidirectional") else 1
    rows = directions * _GATES
    first, second = rows * hidden * inputs, rows * hidden * hidden
    fits = flat.size >= first + second + (rows * hidden if call.flag("has_bias") else 0)
    call.demand(fits, f"has {flat.size} weights, too few for {inputs} inputs and {hidden} hidden units")
    w = flat[:first].reshape(rows, hidden, inputs)
    v = flat[first : first + second].reshape(rows, hidden, hidden)
    b = np.zeros((rows, hidden), np.float32)
    if call.flag("has_bias"):
        b = flat[first + second :].reshape(-1, rows, hidden).sum(axis=0, dtype=np.float32)
    slices = [slice(d * _GATES, (d + 1) * _GATES) for d in range(directions)]
    return [_Weights(w[part], v[part], b[part]) for part in slices]


def _unpack_inference(call: Call) -> list[_Weights]:
    """Directions of inference weights [D, 4H, I], [D, 4H, H] and bias [D, 8H], gates i, o, f, g."""
    w, v, bias = call[1], call[2], call[3]
    hidden = v.shape[-1]
    order = list(_FROM_IOFG)

    def gates(rows: Array) -> Array:
        return rows.reshape(_GATES, hidden, *rows.shape[1:])[order]

    both = bias.reshape(w.shape[0], 2, _GATES * hidden).sum(axis=1, dtype=np.float32)
    return [_Weights(gates(w[d]), gates(v[d]), gates(both[d])) for d in range(w.shape[0])]


def _run(x: Array, weights: _Weights, h: Array, c: Array) -> _Trace:
    """One direction over the whole sequence."""
    hs, cs, all_gates = [], [], []
    for step in x:
        before = [step @ weights.w[k].T + h @ weights.v[k].T + weights.b[k] for k in range(_GATES)]
        i, f, o = (approximations.sigmoid(before[k]) for k in (0, 1, 3))
        g = approximations.tanh(before[2])
        c = f * c + i * g
        h = o * approximations.tanh(c)
        hs.append(h)
        cs.append(c)
        all_gates.append(np.stack([i, f, g, o]))
    return _Trace(np.stack(hs), np.stack(cs), np.stack(all_gates, axis=1))


def lstm_grad(call: Call) -> Outputs:
    """(x, h0, c0, weight, y, hn, cn, dy, dh, dc, reserve) -> (dx, dh0, dc0, dweight).

    Inputs 8 and 9 are the device's work buffers: set to zero, then used in place. When both are one tensor they are
    one memory, and the gradient is wrong; so it is here. A reserve that was never written counts as zero.
    """
    call.demand(len(call.inputs) >= 11, f"has {len(call.inputs)} inputs, needs 11")  # noqa: PLR2004 - those of the docstring
    call.demand(not call.flag("bidirectional"), "trains in two directions, which this interpreter does not know")
    x, h0, c0, dy = call[0], call[1], call[2], call[7]
    weights = _unpack(call, call[3].reshape(-1), x.shape[2])[0]
    hidden = weights.v.shape[-1]
    shape = (x.shape[0], x.shape[1], hidden)
    store = call[10].reshape(6, *shape)
    dh = np.zeros(shape[1:], np.float32)
    dc = dh if call.node.inputs[8] is call.node.inputs[9] else np.zeros_like(dh)
    dx = np.zeros_like(x)
    dw, dv = np.zeros_like(weights.w), np.zeros_like(weights.v)
    db = np.zeros_like(weights.b)
    for t in reversed(range(shape[0])):
        h, c = (store[0][t - 1], store[1][t - 1]) if t else (h0.reshape(shape[1:]), c0.reshape(shape[1:]))
        gates = (store[2][t], store[4][t], store[5][t], store[3][t])
        slopes = _slopes(gates, (c, store[1][t]), dy.reshape(shape)[t], dh, dc)
        for k in range(_GATES):
            dx[t] += slopes[k] @ weights.w[k]
            dw[k] += slopes[k].T @ x[t]
            dv[k] += slopes[k].T @ h
            db[k] += slopes[k].sum(axis=0, dtype=np.float32)
        dh[:] = np.add.reduce([slopes[k] @ weights.v[k] for k in range(_GATES)])
        dc *= gates[1]
    call.updates.update({8: dh, 9: dc})
    flat = np.concatenate([part.reshape(-1) for part in (dw, dv, db)][: 3 if call.flag("has_bias") else 2])
    return _shaped(call, (dx, dh.copy(), dc.copy(), flat))


def _slopes(gates: Sequence[Array], cells: tuple[Array, Array], dy: Array, dh: Array, dc: Array) -> tuple[Array, ...]:
    """Gradients before the four gates of one step; changes `dh` and `dc`, in the device's order, in place."""
    i, f, g, o = gates
    squashed = approximations.tanh(cells[1])
    dh += dy
    through = dh * o
    dc += through - through * (squashed * squashed)
    di, df, dg, do = dc * g, dc * cells[0], dc * i, dh * squashed
    return di * i * (_F(1) - i), df * f * (_F(1) - f), dg * (_F(1) - g * g), do * o * (_F(1) - o)


def _shaped(call: Call, outputs: Outputs) -> Outputs:
    """The outputs in the shapes that the file gives them, where those have the right size."""
    shaped: list[Array | None] = []
    for value, values in zip(call.node.outputs, outputs, strict=False):
        shape = value.type.shape
        fits = values is not None and shape is not None and int(np.prod(shape)) == values.size
        shaped.append(values.reshape(shape) if fits and values is not None and shape is not None else values)
    return tuple(shaped)
