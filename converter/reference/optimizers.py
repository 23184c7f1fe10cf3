"""Optimizers and Assign: they change their constants in place; their outputs are never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from converter.reference.call import Array, Call, Outputs

_F = np.float32
# Position of the learning rate among the inputs.
RATES = {"ApplyMomentum": 2, "SGD": 2, "Adam": 5, "AdamWeightDecay": 3}
UNWRITTEN: Outputs = (None,)


def _rate(call: Call) -> np.float32:
    """The learning rate as it was at compile time: the device reads it only then."""
    index = RATES[call.node.op]
    return _scalar(call, index, call.initial[index])


def _scalar(call: Call, index: int, values: Array | None = None) -> np.float32:
    number = call[index] if values is None else values
    call.demand(number.size == 1, f"needs one number as input {index}, has {number.size}")
    return _F(number.reshape(-1)[0])


def _sizes(call: Call, *indices: int) -> None:
    sizes = [call[index].size for index in indices]
    call.demand(len(set(sizes)) == 1, f"has a weight, slots and a gradient of different sizes {sizes}")


def apply_momentum(call: Call) -> Outputs:
    """[weight, accumulator, rate, gradient, momentum]; gradient_scale is never applied."""
    call.demand(len(call.inputs) == 5, f"has {len(call.inputs)} inputs, needs 5")  # noqa: PLR2004 - those of the docstring
    _sizes(call, 0, 1, 3)
    rate, momentum = _rate(call), _scalar(call, 4)
    weight, shape = call[0], call[0].shape
    gradient = call[3].reshape(shape)
    accumulator = call[1].reshape(shape) * momentum + gradient
    call.updates[1] = accumulator
    step = accumulator * momentum + gradient if call.flag("use_nesterov") else accumulator
    call.updates[0] = weight - step * rate
    return UNWRITTEN


def sgd(call: Call) -> Outputs:
    """[weight, gradient, rate, accumulator, momentum, stat]; stat > 0 marks the first step.

    Only the first element of stat is cleared. With dampening below 0, or nesterov with dampening, the device
    complains, goes on, and never learns (rate 0).
    """
    call.demand(len(call.inputs) == 6, f"has {len(call.inputs)} inputs, needs 6")  # noqa: PLR2004 - those of the docstring
    _sizes(call, 0, 1, 3)
    rate, momentum = _rate(call), _scalar(call, 4)
    dampening, decay, nesterov = call.number("dampening"), call.number("weight_decay"), call.flag("nesterov")
    if dampening < 0 or (nesterov and dampening > 0):
        rate = _F(0)
    weight, stat = call[0], call[5]
    gradient = call[1].reshape(weight.shape)
    if decay > 0:
        gradient = gradient + weight * decay
    if stat.reshape(-1)[0] > 0:
        accumulator = gradient
        cleared = stat.reshape(-1).copy()
        cleared[0] = 0
        call.updates[5] = cleared
        call.updates[3] = accumulator
        step = accumulator * momentum + gradient if momentum > 0 and nesterov else accumulator
        call.updates[0] = weight - step * rate
        return UNWRITTEN
    if decay > 0:
        call.updates[1] = gradient
    step = gradient
    if momentum > 0:
        accumulator = call[3].reshape(weight.shape) * momentum + gradient * (_F(1) - dampening)
        call.updates[3] = accumulator
        step = accumulator * momentum + gradient if nesterov else accumulator
    call.updates[0] = weight - step * rate
    return UNWRITTEN


def adam(call: Call) -> Outputs:
    """[weight, m, v, beta1 power, beta2 power, rate, beta1, beta2, epsilon, gradient]; the powers are only read."""
    call.demand(len(call.inputs) == 10, f"has {len(call.inputs)} inputs, needs 10")  # noqa: PLR2004 - those of the docstring
    _sizes(call, 0, 1, 2, 9)
    rate = _rate(call)
    power1, power2, beta1, beta2, epsilon = (_scalar(call, index) for index in (3, 4, 6, 7, 8))
    hint = "multiply and assign the beta powers before Adam reads them"
    call.demand(bool(_F(1) - power1 > 0), "has a beta1 power of 1 or more, which stops the device", hint)
    call.demand(bool(_F(1) - power2 >= 0), "has a beta2 power above 1, which stops the device", hint)
    shape = call[0].shape
    gradient, m, v = (call[index].reshape(shape) for index in (9, 1, 2))
    step = rate * np.sqrt(_F(1) - power2) / (_F(1) - power1)
    m = m + (gradient - m) * (_F(1) - beta1)
    v = v + (gradient * gradient - v) * (_F(1) - beta2)
    top = m * beta1 + (_F(1) - beta1) * gradient if call.flag("use_nesterov") else m
    call.updates.update({0: call[0] - step * top / (np.sqrt(v) + epsilon), 1: m, 2: v})
    return UNWRITTEN


def adam_weight_decay(call: Call) -> Outputs:
    """[weight, m, v, rate, beta1, beta2, epsilon, decay, gradient]; no bias correction."""
    call.demand(len(call.inputs) == 9, f"has {len(call.inputs)} inputs, needs 9")  # noqa: PLR2004 - those of the docstring
    _sizes(call, 0, 1, 2, 8)
    rate = _rate(call)
    beta1, beta2, epsilon, decay = (_scalar(call, index) for index in (4, 5, 6, 7))
    weight = call[0]
    gradient, m, v = (call[index].reshape(weight.shape) for index in (8, 1, 2))
    m = m + (gradient - m) * (_F(1) - beta1)
    v = v + (gradient * gradient - v) * (_F(1) - beta2)
    update = m / (np.sqrt(v) + epsilon) + decay * weight
    call.updates.update({0: weight - rate * update, 1: m, 2: v})
    return UNWRITTEN


def assign(call: Call) -> Outputs:
    """[variable, value]: copies the numbers."""
    call.demand(len(call.inputs) == 2, f"has {len(call.inputs)} inputs, needs 2")  # noqa: PLR2004 - those of the docstring
    sizes = call[0].size, call[1].size
    call.demand(sizes[0] == sizes[1], f"assigns {sizes[1]} numbers to {sizes[0]}")
    call.demand(call[0].dtype == np.float32, f"assigns float32 only, not {call[0].dtype}")
    call.updates[0] = call[1].copy()
    return UNWRITTEN
