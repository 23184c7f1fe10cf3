"""Weights that a model trains by plain Assign (hand-written optimizers, ASGD, Rprop) through SGD nodes instead.

The device knows a weight as trained only by an optimizer node: without one it would open the model for inference, keep
packed copies of the weight, and offer nothing to SetLearningRate. `weight = weight - u` becomes SGD with direction u.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.optimizer_frame import compose, descend, descend_by, finish, scalar_of
from converter.ops.context import Context
from converter.passes.adapt.stored_values import drop_needless_order
from converter.passes.normalize.dead_code import remove_dead_code

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node, Value
    from converter.ops.compose import Composer

_GRADIENT_MARK = "Gradients"


def train_assigned_weights(model: Model) -> bool:
    """Replace Assigns of weights by SGD nodes."""
    changed = False
    for graph in model.graphs:
        weights = [node for node in graph.nodes if node.op == "Assign"]
        if weights:
            forward = _forward_constants(graph)
            weights = [node for node in weights if id(node.inputs[0]) in forward and _from_gradient(node.inputs[1])]
        context = Context(model, graph, is_training=True)
        for node in weights:
            _train(context, node)
        context.finish()
        drop_needless_order(graph)
        changed |= bool(weights)
    if changed:
        remove_dead_code(model)
    return changed


def _forward_constants(graph: Graph) -> set[int]:
    """Constants that the outputs of the step are computed from."""
    found: set[int] = set()
    pending = list(graph.outputs)
    visited: set[int] = set()
    while pending:
        value = pending.pop()
        if id(value) in visited:
            continue
        visited.add(id(value))
        if value.const is not None:
            found.add(id(value))
        elif value.producer is not None:
            pending.extend(value.producer.inputs)
    return found


def _from_gradient(value: Value) -> bool:
    """Whether a gradient is among the things that a value is computed from."""
    pending, visited = [value], set[int]()
    while pending:
        node = pending.pop().producer
        if node is None or id(node) in visited:
            continue
        if _GRADIENT_MARK in node.name:
            return True
        visited.add(id(node))
        pending.extend(node.inputs)
    return False


def _train(context: Context, node: Node) -> None:
    """One Assign."""
    weight, value = node.inputs
    build = compose(context, node)
    difference = _difference(build, weight, value)
    rate = _constant_rate(difference)
    if rate is None:
        finish(build, descend_by(build, weight, difference))
        return
    product = difference.producer
    other = next(each for each in product.inputs if each is not rate) if product is not None else difference
    finish(build, descend(build, weight, other, rate))


def _difference(build: Composer, weight: Value, value: Value) -> Value:
    """What is subtracted from the weight."""
    maker = value.producer
    if maker is not None and maker.op == "SubFusion" and maker.inputs[0] is weight:
        return maker.inputs[1]
    if maker is not None and maker.op == "AddFusion" and any(each is weight for each in maker.inputs):
        added = maker.inputs[1] if maker.inputs[0] is weight else maker.inputs[0]
        if added.producer is not None and added.producer.op == "Neg":
            return added.producer.inputs[0]
        return build.neg(added)
    return build.sub(weight, value)


def _constant_rate(difference: Value) -> Value | None:
    """The positive constant that the difference is a multiple of: the learning rate."""
    product = difference.producer
    if product is None or product.op != "MulFusion":
        return None
    for rate, other in (product.inputs, product.inputs[::-1]):
        is_number = rate.const is not None and rate.type.size == 1 and (scalar_of(rate) or 0.0) > 0.0
        if is_number and other.const is None and other.type.shape == difference.type.shape:
            return rate
    return None
