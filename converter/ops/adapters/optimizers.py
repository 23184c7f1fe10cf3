"""Optimizers that the device has, and updates of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Value
from converter.ir.editing import replace_uses, set_input, wire
from converter.ops.adapters.optimizer_frame import scalar_of
from converter.ops.compose import Composer
from converter.ops.context import scalar_type

if TYPE_CHECKING:
    from converter.ir import Node
    from converter.ops.context import Context

_MOMENTUM_GRADIENT, _SGD_GRADIENT, _SGD_MOMENTUM, _SGD_STAT = 3, 1, 4, 5


def update(context: Context, node: Node) -> None:
    """One output of one element, which the device never writes."""
    old = node.outputs
    wire(node, node.inputs, [Value(node.name, scalar_type((1,)))])
    for output in old:
        replace_uses(context.graph, output, node.outputs[0])


def momentum(context: Context, node: Node) -> None:
    """As `update`; a gradient scale becomes a Mul, because the device reads the attribute and ignores it."""
    scale = node.attrs.get("gradient_scale", 1.0)
    node.attrs["gradient_scale"] = 1.0
    if scale != 1.0 and isinstance(scale, (int, float)):
        build = Composer(context, node)
        scaled = build.mul(node.inputs[_MOMENTUM_GRADIENT], float(scale))
        build.insert()
        set_input(node, _MOMENTUM_GRADIENT, scaled)
    update(context, node)


def sgd(context: Context, node: Node) -> None:
    """As `update`; without momentum, accumulator and first-step mark stay as they are, as in MindSpore.

    Weight decay happens outside when others read the gradient, since the device adds it in place.
    """
    if scalar_of(node.inputs[_SGD_MOMENTUM]) == 0.0:
        set_input(node, _SGD_STAT, context.shared("sgd_stat", [0.0]))
    decay = node.attrs.get("weight_decay")
    gradient = node.inputs[_SGD_GRADIENT]
    if isinstance(decay, float) and decay and (len(gradient.users) > 1 or gradient.const is not None):
        node.attrs["weight_decay"] = 0.0
        build = Composer(context, node)
        decayed = build.add(gradient, build.mul(node.inputs[0], decay))
        build.insert()
        set_input(node, _SGD_GRADIENT, decayed)
    update(context, node)


def assign_add(context: Context, node: Node) -> None:
    """AssignAdd has no kernel: Add, then Assign."""
    _assign_result(context, node, "AddFusion")


def assign_sub(context: Context, node: Node) -> None:
    """AssignSub has no kernel: Sub, then Assign."""
    _assign_result(context, node, "SubFusion")


def assign_mul(context: Context, node: Node) -> None:
    """InplaceMul: Mul, then Assign; its result is the product."""
    _assign_result(context, node, "MulFusion")


def _assign_result(context: Context, node: Node, op: str) -> None:
    """`variable = op(variable, amount)`; whoever reads the node's result reads what was stored."""
    variable, amount = node.inputs
    if variable.const is None:
        context.refuse("E202", node, f"{node.origin.op} changes something that is no parameter")
        return
    build = Composer(context, node)
    result = build.binary(op, variable, amount)
    if result.type.shape != variable.type.shape:
        result = build.reshape(result, variable.type.shape or ())
    for output in node.outputs:
        replace_uses(context.graph, output, result)
    build.insert()
    wire(node, [variable, result], [Value(node.name, scalar_type((1,)))])
