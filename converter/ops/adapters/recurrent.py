"""LSTM, unrolled for training: the device's gradient kernel is wrong in every form that a converted model has.

MindIR has LSTM(x [T, B, I], h0, c0, weights) -> y, h, c, reserve, state and LSTMGrad, one layer and direction each;
`weights` holds W [4H, I], V [4H, H], b [4H] in the gate order i, f, g, o. With r = 1 for i, f, o and 2 for g:

    s = sigmoid((x W' + h V' + b') r),  g = 2 s_g - 1,  c' = f c + i g,  h' = o tanh(c')

so that one sigmoid serves all gates: tanh(z) = 2 sigmoid(2 z) - 1. Gradients before the gates are those of the
sigmoid times r ** 2. Values of each step are shared between LSTM and LSTMGrad, which are composed together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, TensorType, Value
from converter.ops.adapters.lstm_gradient import gradients
from converter.ops.adapters.lstm_steps import Size, Step, Weights, is_zero, original
from converter.ops.compose import Composer
from converter.ops.context import zeros

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.context import Context

_GATES = 4
_X, _H0, _C0, _WEIGHTS, _Y = range(5)
_DY, _DH, _DC = 7, 8, 9


def lstm(context: Context, node: Node) -> None:
    """LSTM: the kernel for inference; in training composed, together with its gradient when there is one."""
    node.attrs["num_directions"] = 1
    size = _size(context, node)
    if size is None or not context.is_training or _gradient_of(node) is not None:
        return
    build = Composer(context, node)
    weights = _weights(build, node.inputs[_WEIGHTS], size)
    _finish(build, node, size, _forward(build, node, size, weights))
    weights.keep_order(context)


def lstm_grad(context: Context, node: Node) -> None:
    """LSTMGrad(x, h0, c0, weights, y, h, c, dy, dh, dc, reserve) -> dx, dh0, dc0, dweights, with its LSTM."""
    forward = node.inputs[_Y].producer
    size = _size(context, node)
    if forward is None or forward.op != "LSTM":
        context.refuse("E202", node, "its LSTM is not part of the model")
        return
    if size is None:
        return
    build = Composer(context, forward)
    weights = _weights(build, forward.inputs[_WEIGHTS], size)
    steps = _forward(build, forward, size, weights)
    back = Composer(context, node)
    used = [_is_used(context, value) for value in node.outputs]
    incoming = [None if is_zero(node.inputs[place]) else node.inputs[place] for place in (_DY, _DH, _DC)]
    results = gradients(back, forward.inputs[_X], steps, weights, size, incoming, used)
    shaped = [
        back.reshape(result, old.type.shape or ()) if result is not None else zeros("", old.type.shape or ())
        for result, old in zip(results, node.outputs, strict=True)
    ]
    weights.readers += back.made
    back.replace(*shaped)
    _finish(build, forward, size, steps)
    weights.keep_order(context)


def _size(context: Context, node: Node) -> Size | None:
    """T, B, I, H; None, and a problem, for what was never seen in a MindIR."""
    shape = context.shape(node, node.inputs[_X])
    if shape is None:
        return None
    for name, wanted in (("num_layers", 1), ("bidirectional", False), ("proj_size", 0)):
        value = node.attrs.get(name, wanted)
        if value != wanted:
            hint = "use nn.LSTM, which has one operator for each layer and direction"
            context.refuse("E202", node, f"{node.origin.op}.{name}={value!r} cannot be converted", hint)
            return None
    steps, batch, inputs = shape
    size = Size(steps, batch, inputs, int(str(node.attrs.get("hidden_size"))))
    if node.inputs[_WEIGHTS].type.size not in (size.weights, size.weights + size.gates):
        context.refuse("E202", node, f"has {node.inputs[_WEIGHTS].type.size} weights; {size.weights + size.gates} can")
        return None
    return size


def _gradient_of(node: Node) -> Node | None:
    """The LSTMGrad of an LSTM."""
    return next((user for user in node.outputs[0].users if user.op == "LSTMGrad" and _reads(user, node)), None)


def _reads(gradient: Node, node: Node) -> bool:
    return gradient.inputs[_Y] is node.outputs[0]


def _is_used(context: Context, value: Value) -> bool:
    return bool(value.users) or any(each is value for each in context.graph.outputs)


def _weights(build: Composer, flat: Value, size: Size) -> Weights:
    """W, V and b: the parts of the Concat that made the flat weight, where there is one, else slices of it."""
    shapes: list[tuple[int, ...]] = [(size.gates, size.inputs), (size.gates, size.hidden), (size.gates,)]
    counts = [int(np.prod(shape)) for shape in shapes]
    has_bias = flat.type.size == sum(counts)
    shapes, counts = shapes[: 2 + has_bias], counts[: 2 + has_bias]
    maker = flat.producer
    if maker is not None and maker.op == "Concat" and [part.type.size for part in maker.inputs] == counts:
        parts = list(maker.inputs)
    else:
        starts = np.cumsum([0, *counts[:-1]])
        parts = [_cut(build, flat, int(start), count) for start, count in zip(starts, counts, strict=True)]
    found = [original(part, shape) for part, shape in zip(parts, shapes, strict=True)]
    shaped = [
        build.reshape(part, shape) if maker is None else maker.inputs[0]
        for part, shape, maker in zip(parts, shapes, found, strict=True)
    ]
    bypassed = [maker for maker in found if maker is not None]
    return Weights(shaped[0], shaped[1], shaped[2] if has_bias else None, bypassed)


def _cut(build: Composer, flat: Value, start: int, count: int) -> Value:
    """A piece of the flat weight."""
    rest = (flat.type.shape or ())[1:]
    begin = build.constant([start, *(0 for _ in rest)], DType.INT32)
    wanted = build.constant([count, *rest], DType.INT32)
    axes = tuple(range(1 + len(rest)))
    return build.op("SliceFusion", [flat, begin, wanted], TensorType(DType.FLOAT32, (count, *rest)), axes=axes)


def _forward(build: Composer, node: Node, size: Size, weights: Weights) -> list[Step]:
    """All steps."""
    rows = np.repeat(np.array([1, 1, 2, 1], np.float32), size.hidden)
    column = build.constant(rows[:, None])
    w, v = build.mul(weights.w, column), build.mul(weights.v, column)
    x = build.reshape(node.inputs[_X], (size.steps * size.batch, size.inputs))
    before = build.matmul(x, w, transpose_b=True)
    if weights.b is not None:
        before = build.add(before, build.mul(weights.b, build.constant(rows)))
    state = [None if is_zero(value) else value for value in (node.inputs[_H0], node.inputs[_C0])]
    h, c = (None if value is None else build.reshape(value, (size.batch, size.hidden)) for value in state)
    steps: list[Step] = []
    for part in _split(build, before, size.steps, axis=0):
        steps.append(_step(build, part, h, c, v))
        h, c = steps[-1].h, steps[-1].c
    weights.readers += build.made
    return steps


def _step(build: Composer, before: Value, h: Value | None, c: Value | None, v: Value) -> Step:
    """One step from the state (h, c), None for zeros."""
    summed = before if h is None else build.add(before, build.matmul(h, v, transpose_b=True))
    gates = build.sigmoid(summed)
    i, f, squeezed, o = _split(build, gates, _GATES, axis=1)
    g = build.sub(build.mul(squeezed, 2.0), 1.0)
    new = build.mul(i, g)
    cell = new if c is None else build.add(build.mul(f, c), new)
    bounded = build.tanh(cell)
    return Step(h, c, gates, i, f, g, o, cell, bounded, build.mul(o, bounded))


def _split(build: Composer, x: Value, count: int, axis: int) -> tuple[Value, ...]:
    """Equal parts along an axis."""
    if count == 1:
        return (x,)
    shape = list(x.type.shape or ())
    shape[axis] //= count
    kinds = [TensorType(x.type.dtype, tuple(shape))] * count
    return build.ops("Split", [x], kinds, axis=axis, output_num=count, size_splits=(shape[axis],) * count)


def _finish(build: Composer, node: Node, size: Size, steps: list[Step]) -> None:
    """The results of the LSTM that somebody reads: y, h, c."""
    y, h, c, *rest = node.outputs
    state = (1, size.batch, size.hidden)
    results = [
        build.op("Stack", [step.h for step in steps], y.type, axis=0) if _is_read(build, y) else y,
        build.reshape(steps[-1].h, state) if _is_read(build, h) else h,
        build.reshape(steps[-1].c, state) if _is_read(build, c) else c,
    ]
    build.replace(*results, *rest)


def _is_read(build: Composer, value: Value) -> bool:
    """Whether anything but the gradient, which is composed with its LSTM, reads the value."""
    readers = [user for user in value.users if user.op != "LSTMGrad"]
    return bool(readers) or any(each is value for each in build.context.graph.outputs)
