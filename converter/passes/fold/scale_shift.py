"""A multiplication and an addition of single numbers, in one node.

PowFusion computes (scale * x + shift) ** exponent. With the exponent 1 these are the numbers of the two nodes, each
operation rounded by itself: measured on the official runtime, where 2 * x - 1 had the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType
from converter.ir.editing import remove, wire
from converter.ops.context import constant
from converter.ops.lite_fields import defaults
from converter.passes.fold.constants import written_variables
from converter.passes.fold.equal_nodes import device_marks

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node, Value

_MADE_BY = "fuse-scale-and-shift"
_SUMS = ("AddFusion", "SubFusion")


def fuse_scale_and_shift(model: Model) -> bool:
    """Let one PowFusion multiply by a number and add another one."""
    changed = False
    for graph in model.graphs:
        variables = written_variables(graph)
        for node in [node for node in graph.nodes if node.op in _SUMS]:
            changed |= _fuse(graph, node, variables)
    return changed


def _fuse(graph: Graph, node: Node, variables: set[int]) -> bool:
    """Make the sum and the product before it one node, under the name of the sum."""
    for place in (0, 1):
        product = node.inputs[place].producer
        shift = _number(node.inputs[1 - place], variables)
        if product is None or shift is None or not _goes_into(graph, product, node):
            continue
        for factor, x in (product.inputs[::-1], product.inputs):
            scale = _number(factor, variables)
            if scale is None or x.type != node.outputs[0].type or x.type.dtype is not DType.FLOAT32:
                continue
            if node.op == "SubFusion":  # x * scale - shift, or shift - x * scale
                scale, shift = (scale, -shift) if place == 0 else (-scale, shift)
            _become_power(node, product, x, scale, shift)
            remove(graph, [product])
            return True
    return False


def _number(value: Value, variables: set[int]) -> float | None:
    """The number in a constant of one element that no step changes."""
    if value.const is None or value.const.size != 1 or id(value) in variables:
        return None
    return float(value.const.array().reshape(-1)[0])


def _goes_into(graph: Graph, product: Node, node: Node) -> bool:
    """Whether the product is read by the node alone, once, and the device takes both for the same kind of node."""
    if product.op != "MulFusion" or product.attrs["activation_type"] or node.attrs["activation_type"]:
        return False
    result = product.outputs[0]
    is_private = len(result.users) == 1 and not any(value is result for value in graph.outputs)
    return is_private and device_marks(product) == device_marks(node)


def _become_power(node: Node, product: Node, x: Value, scale: float, shift: float) -> None:
    """(scale * x + shift) ** 1."""
    node.op = "PowFusion"
    node.attrs = {**defaults("PowFusion"), "scale": scale, "shift": shift}
    node.origin = node.origin.derived(_MADE_BY, product.origin)
    node.after = tuple({id(each): each for each in (*product.after, *node.after)}.values())
    wire(node, [x, constant("", np.array(1, np.float32))])
