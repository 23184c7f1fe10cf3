"""The frame of every optimizer that the device has no kernel for.

Slots are computed and stored by Assign; the weight goes through one SGD node without momentum, which computes
`weight -= rate * direction` and is what SetLearningRate, GetTrainableParams and virtual batches of the device act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir.editing import replace_uses
from converter.ops.compose import Composer
from converter.ops.context import literal_of, scalar_type, zeros

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

VIRTUAL_BATCH = (
    "the optimizer is composed of several operators: with virtual batches its slots are updated at every micro batch, "
    "not once per batch"
)
RATE_IS_FACTOR = (
    "the update is not linear in the learning rate, so the rate of the file is 1.0 and SetLearningRate multiplies the "
    "whole step instead of setting the rate"
)


def compose(context: Context, node: Node) -> Composer:
    """Begin the composition that takes the node's place, and tell the user what composing means."""
    note_once(context, VIRTUAL_BATCH)
    return Composer(context, node)


def note_once(context: Context, message: str) -> None:
    """Tell something about training that holds for the whole model."""
    if not any(note.message == message for note in context.model.notes):
        context.note("training", message)


def number(build: Composer, value: float) -> Value:
    """A float32 constant that all optimizers share."""
    return build.context.shared(f"optimizer_{np.float32(value)}", float(np.float32(value)))


def scalar_of(value: Value) -> float | None:
    """The number behind an operand of one element; None when the graph computes or stores it."""
    if any(user.op.startswith("Assign") and user.inputs[0] is value for user in value.users):
        return None
    found = literal_of(value)
    if isinstance(found, tuple) and len(found) == 1:
        found = found[0]
    return float(found) if isinstance(found, (int, float)) else None


def operand(build: Composer, value: Value) -> Value:
    """A hyperparameter as an operand: a shared constant, or what the graph computes."""
    found = scalar_of(value)
    return value if found is None else number(build, found)


def one_minus(build: Composer, value: Value) -> Value:
    """`1 - value`, subtracted in float32 as MindSpore does: 1 - 0.999 is 0.00100005."""
    found = scalar_of(value)
    if found is None:
        return build.sub(1.0, value)
    return number(build, float(np.float32(1) - np.float32(found)))


def decayed(build: Composer, slot: Value, gradient: Value, decay: Value) -> Value:
    """`slot * decay + gradient * (1 - decay)`, stored into the slot."""
    kept = build.mul(slot, operand(build, decay))
    new = build.add(kept, build.mul(gradient, one_minus(build, decay)))
    build.assign(slot, new)
    return new


def descend(build: Composer, weight: Value, direction: Value, rate: Value) -> Value:
    """`weight -= rate * direction`."""
    shape = weight.type.shape or ()
    accumulator = zeros(f"sgd_accum.{weight.name}", shape)
    momentum, stat = build.context.shared("sgd_momentum", 0.0), build.context.shared("sgd_stat", [0.0])
    step = build.op("SGD", [weight, direction, rate, accumulator, momentum, stat], scalar_type((1,)), name="SGD")
    build.made[-1].after = tuple(each for each in build.made[:-1] if any(v is weight for v in each.inputs))
    return step


def descend_by(build: Composer, weight: Value, difference: Value) -> Value:
    """`weight -= difference`, for updates that are not linear in the learning rate."""
    note_once(build.context, RATE_IS_FACTOR)
    return descend(build, weight, difference, build.context.shared("learning_rate_factor", 1.0))


def finish(build: Composer, step: Value) -> None:
    """Put the composition in the node's place; whoever read one of the node's results reads the SGD node's."""
    graph = build.context.graph
    for output in build.node.outputs[1:]:
        replace_uses(graph, output, build.node.outputs[0])
    build.node.outputs = build.node.outputs[:1]
    build.replace(step)
