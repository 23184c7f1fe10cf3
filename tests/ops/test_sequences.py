"""The LSTM and its gradient, written out step by step, against a model in double precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from support.graphs import constant, literal, model, node, numbered, value
from support.refusals import refusals

from converter.ir import Attr, Model, Node, Stage, Value
from converter.passes.base import Modes
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.reference import Session

Array = np.ndarray[Any, np.dtype[Any]]
STEPS, BATCH, INPUTS, HIDDEN = 3, 2, 5, 7
GATES = 4 * HIDDEN
COUNT = GATES * (INPUTS + HIDDEN + 1)
ATTRS: dict[str, Attr] = {
    "hidden_size": HIDDEN,
    "input_size": INPUTS,
    "num_layers": 1,
    "bidirectional": False,
    "has_bias": True,
    "dropout": 0.0,
}
RANDOM = np.random.default_rng(11)
# The device computes exponentials to about 5e-6.
TOLERANCE = 1e-5


def draw(*shape: int) -> Array:
    return (RANDOM.normal(size=shape) * 0.5).astype(np.float32)


@dataclass
class Lstm:
    """An LSTM and its gradient as MindIR has them, with everything they read as an input or a constant."""

    forward: Node
    backward: Node
    inputs: list[Value]

    @classmethod
    def make(cls, weights: Value, h0: Value, c0: Value, **attrs: Attr) -> Lstm:
        x, dy = value("x", STEPS, BATCH, INPUTS), value("dy", STEPS, BATCH, HIDDEN)
        dh, dc = value("dh", 1, BATCH, HIDDEN), value("dc", 1, BATCH, HIDDEN)
        state = (1, BATCH, HIDDEN)
        made = [value("y", STEPS, BATCH, HIDDEN), value("h", *state), value("c", *state), value("r", 1), value("s", 1)]
        forward = node("LSTM", [x, h0, c0, weights], made, {**ATTRS, **attrs})
        y, h, c, reserve, _ = forward.outputs
        results = [value("dx", *(x.type.shape or ())), value("dh0", *state), value("dc0", *state)]
        results.append(value("dw", COUNT, 1, 1))
        inputs = [x, h0, c0, weights, y, h, c, dy, dh, dc, reserve]
        backward = node("LSTMGrad", inputs, results, {**ATTRS, **attrs})
        return cls(forward, backward, [x, dy, dh, dc])


def convert(lstm: Lstm, extra: list[Value], outputs: list[Value]) -> Model:
    """As part of a training step: an unrelated Assign makes it one."""
    counter = constant("counter", 1)
    assign = node("Assign", [counter, numbered("one", np.ones(1, np.float32))], [value("assigned", 1)])
    nodes = [lstm.forward, lstm.backward, assign]
    made = model(nodes, [*lstm.inputs, *extra], outputs, Stage.SOURCE)
    run_passes(made, PIPELINE, modes=Modes.TRAINING, verify_each=True)
    return made


def expected(x: Array, h0: Array, c0: Array, flat: Array, gradients: tuple[Array, Array, Array]) -> list[Array]:
    """y, h, c, dx, dh0, dc0, dw in double precision."""
    weights = flat.reshape(-1).astype(np.float64)
    w = weights[: GATES * INPUTS].reshape(GATES, INPUTS)
    v = weights[GATES * INPUTS : GATES * (INPUTS + HIDDEN)].reshape(GATES, HIDDEN)
    b = weights[GATES * (INPUTS + HIDDEN) :]
    h, c = h0[0].astype(np.float64), c0[0].astype(np.float64)
    trace, ys = [], []
    for step in x.astype(np.float64):
        i, f, g, o = np.split(step @ w.T + h @ v.T + b, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
        g = np.tanh(g)
        new = f * c + i * g
        trace.append((step, h, c, i, f, g, o, new))
        h, c = o * np.tanh(new), new
        ys.append(h)
    dy, dh, dc = gradients[0], gradients[1][0].astype(np.float64), gradients[2][0].astype(np.float64)
    dx, dw, dv, db = np.zeros_like(x, np.float64), np.zeros_like(w), np.zeros_like(v), np.zeros_like(b)
    for t in reversed(range(STEPS)):
        step, before, cell, i, f, g, o, new = trace[t]
        dh = dh + dy[t]
        dc = dc + dh * o * (1 - np.tanh(new) ** 2)
        parts = [dc * g * i * (1 - i), dc * cell * f * (1 - f), dc * i * (1 - g * g), dh * np.tanh(new) * o * (1 - o)]
        z = np.concatenate(parts, axis=1)
        dx[t], dw, dv, db = z @ w, dw + z.T @ step, dv + z.T @ before, db + z.sum(axis=0)
        dh, dc = z @ v, dc * f
    flat_gradient = np.concatenate([dw.reshape(-1), dv.reshape(-1), db])
    return [np.stack(ys), h[None], c[None], dx, dh[None], dc[None], flat_gradient.reshape(-1, 1, 1)]


def assert_close(found: list[Array], wanted: list[Array]) -> None:
    assert [array.shape for array in found] == [array.shape for array in wanted]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=TOLERANCE * np.abs(b).max())


@pytest.mark.parametrize("is_zero", [True, False], ids=["from zeros", "from a given state"])
def test_an_lstm_and_its_gradient_are_exact(is_zero: bool) -> None:
    """The device's gradient kernel gives zeros, or something else that is wrong."""
    states = [np.zeros((1, BATCH, HIDDEN), np.float32) if is_zero else draw(1, BATCH, HIDDEN) for _ in range(2)]
    if is_zero:
        h0, c0 = (numbered(name, state) for name, state in zip(("h0", "c0"), states, strict=True))
    else:
        h0, c0 = value("h0", 1, BATCH, HIDDEN), value("c0", 1, BATCH, HIDDEN)
    flat = draw(COUNT, 1, 1)
    lstm = Lstm.make(numbered("weights", flat), h0, c0)
    outputs = [*lstm.forward.outputs[:3], *lstm.backward.outputs]
    converted = convert(lstm, [] if is_zero else [h0, c0], outputs)
    assert not {"LSTM", "LSTMGrad"} & {each.op for each in converted.main.nodes}
    x, gradients = (
        draw(STEPS, BATCH, INPUTS),
        (draw(STEPS, BATCH, HIDDEN), draw(1, BATCH, HIDDEN), draw(1, BATCH, HIDDEN)),
    )
    found = Session(converted).infer([x, *gradients, *([] if is_zero else states)])
    assert_close(list(found.values()), expected(x, states[0], states[1], flat, gradients))


def test_joined_parameters_are_read_and_give_gradients_without_being_joined() -> None:
    """As MindSpore writes nn.LSTM: the flat weight is a Concat of the parameters, its gradient is cut again."""
    shapes = [(GATES, INPUTS), (GATES, HIDDEN), (GATES,)]
    parameters = [value(name, *shape) for name, shape in zip(("w", "v", "b"), shapes, strict=True)]
    arrays = [draw(*shape) for shape in shapes]
    counts = [int(np.prod(shape)) for shape in shapes]
    columns = [
        node(
            "Reshape",
            [each, literal((-1, 1, 1))],
            [value(f"{each.name}_column", count, 1, 1)],
            name=f"{each.name}_column",
        )
        for each, count in zip(parameters, counts, strict=True)
    ]
    joined = node("Concat", [each.outputs[0] for each in columns], [value("flat", COUNT, 1, 1)], {"axis": 0})
    zeros = numbered("zeros", np.zeros((1, BATCH, HIDDEN), np.float32))
    lstm = Lstm.make(joined.outputs[0], zeros, zeros)
    starts = np.cumsum([0, *counts[:-1]])
    cuts, parts = [], []
    for each, shape, start, count in zip(parameters, shapes, starts, counts, strict=True):
        bounds = [literal((int(start), 0, 0)), literal((count, 1, 1))]
        cut = node("Slice", [lstm.backward.outputs[3], *bounds], [value(f"{each.name}_cut", count, 1, 1)])
        back = node("Reshape", [cut.outputs[0], literal(shape)], [value(f"d{each.name}", *shape)], name=f"d{each.name}")
        cuts += [cut, back]
        parts.append(back.outputs[0])
    counter = constant("counter", 1)
    assign = node("Assign", [counter, numbered("one", np.ones(1, np.float32))], [value("assigned", 1)])
    nodes = [*columns, joined, lstm.forward, lstm.backward, *cuts, assign]
    made = model(nodes, [*lstm.inputs, *parameters], parts, Stage.SOURCE)
    run_passes(made, PIPELINE, modes=Modes.TRAINING, verify_each=True)
    assert not any(each.op == "SliceFusion" or each.name.startswith(("w_", "v_", "flat")) for each in made.main.nodes)
    x, dy = draw(STEPS, BATCH, INPUTS), draw(STEPS, BATCH, HIDDEN)
    gradients = (dy, np.zeros((1, BATCH, HIDDEN), np.float32), np.zeros((1, BATCH, HIDDEN), np.float32))
    found = list(Session(made).infer([x, *gradients, *arrays]).values())
    flat = np.concatenate([array.reshape(-1) for array in arrays])
    state = np.zeros((1, BATCH, HIDDEN), np.float32)
    whole = expected(x, state, state, flat, gradients)[-1].reshape(-1)
    wanted = [part.reshape(shape) for part, shape in zip(np.split(whole, starts[1:]), shapes, strict=True)]
    assert_close(found, wanted)


def test_inference_uses_the_kernel() -> None:
    state = numbered("state", np.zeros((1, BATCH, HIDDEN), np.float32))
    lstm = Lstm.make(numbered("weights", draw(COUNT, 1, 1)), state, state)
    made = model([lstm.forward], lstm.inputs[:1], lstm.forward.outputs[:1], Stage.SOURCE)
    run_passes(made, PIPELINE, modes=Modes.INFERENCE, verify_each=True)
    assert [each.op for each in made.main.nodes] == ["LSTM"]


@pytest.mark.parametrize(("name", "wrong"), [("num_layers", 2), ("bidirectional", True), ("proj_size", 3)])
def test_an_lstm_of_several_layers_or_directions_in_one_operator_is_refused(name: str, wrong: Attr) -> None:
    state = numbered("state", np.zeros((1, BATCH, HIDDEN), np.float32))
    lstm = Lstm.make(numbered("weights", draw(COUNT, 1, 1)), state, state, **{name: wrong})
    problems = refusals(lambda: convert(lstm, [], list(lstm.backward.outputs[:1])))
    assert {problem.code for problem in problems} == {"E202"}
    assert all(name in problem.message for problem in problems)
