"""The gradient of an unrolled LSTM, step by step backward; what concerns all steps at once is done at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import TensorType
from converter.ops.adapters.lstm_steps import joined
from converter.ops.compose import SIGMOID, TANH
from converter.ops.context import zeros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Value
    from converter.ops.adapters.lstm_steps import Size, Step, Weights
    from converter.ops.compose import Composer


def gradients(
    build: Composer,
    x: Value,
    steps: Sequence[Step],
    weights: Weights,
    size: Size,
    incoming: Sequence[Value | None],
    used: Sequence[bool],
) -> list[Value | None]:
    """dx, dh0, dc0 and the flat dweights; None for those that nobody reads.

    `incoming` are dy [T, B, H] and the gradients of the last h and c, None for zeros.
    """
    dy, dh, dc = incoming
    rows = np.repeat(np.array([1, 1, 4, 1], np.float32), size.hidden)
    v = build.mul(weights.v, build.constant(rows[:, None]))
    flat = (size.batch, size.hidden)
    dh, dc = (None if value is None else build.reshape(value, flat) for value in (dh, dc))
    dys: list[Value | None] = [None] * size.steps
    if dy is not None:
        dys = list(_unstacked(build, dy, size))
    before: list[Value] = []
    for step, own in zip(reversed(steps), reversed(dys), strict=True):
        needs_state = step is not steps[0] or used[1] or used[2]
        total = _sum(build, own, dh) or zeros("", flat)
        d_gates, dc = _step(build, step, total, dc)
        before.insert(0, d_gates)
        dh = build.matmul(d_gates, v) if needs_state else None
        dc = build.mul(dc, step.f) if needs_state else None
    every = build.mul(joined(build, before, 0), build.constant(rows))
    return [
        build.matmul(every, weights.w) if used[0] else None,
        dh if used[1] else None,
        dc if used[2] else None,
        _of_weights(build, x, every, steps, weights, size) if used[3] else None,
    ]


def _step(build: Composer, step: Step, dh: Value, dc: Value | None) -> tuple[Value, Value]:
    """Gradient before the gates [B, 4H], without the factor r ** 2, and of the cell."""
    through = build.op("ActivationGrad", [step.bounded, build.mul(dh, step.o)], activation_type=TANH)
    dc = _sum(build, through, dc) or through
    forgotten = zeros("", dc.type.shape or ()) if step.c_before is None else build.mul(dc, step.c_before)
    parts = [build.mul(dc, step.g), forgotten, build.mul(dc, step.i), build.mul(dh, step.bounded)]
    return build.op("ActivationGrad", [step.gates, joined(build, parts, 1)], activation_type=SIGMOID), dc


def _of_weights(build: Composer, x: Value, every: Value, steps: Sequence[Step], weights: Weights, size: Size) -> Value:
    """dW, dV and db, one behind the other as the weights are."""
    states = [step.h_before or zeros("", (size.batch, size.hidden)) for step in steps]
    inputs = build.reshape(x, (size.steps * size.batch, size.inputs))
    parts = [
        build.matmul(every, inputs, transpose_a=True),
        build.matmul(every, joined(build, states, 0), transpose_a=True),
    ]
    if weights.b is not None:
        parts.append(build.sum(every, [0]))
    columns = [build.reshape(part, (part.type.size, 1, 1)) for part in parts]
    count = sum(part.type.size for part in parts)
    return build.op("Concat", columns, TensorType(every.type.dtype, (count, 1, 1)), axis=0)


def _unstacked(build: Composer, dy: Value, size: Size) -> Sequence[Value]:
    """The part of dy of each step."""
    kinds = [TensorType(dy.type.dtype, (size.batch, size.hidden))] * size.steps
    return build.ops("Unstack", [dy], kinds, axis=0)


def _sum(build: Composer, a: Value | None, b: Value | None) -> Value | None:
    """Their sum, None being zeros."""
    if a is None or b is None:
        return a or b
    return build.add(a, b)
