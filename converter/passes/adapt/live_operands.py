"""Variables as operands of broadcasting arithmetic.

The device makes the broadcast copy of a constant operand once, when it opens the model: after the first optimizer step
the operator keeps computing with the initial values (measured: losses off by 40 % and more). An operand that a node
computes is broadcast in every step, so the variable goes through a Reshape to its own shape, which computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Value
from converter.ir.editing import insert_before, set_input
from converter.ops.context import constant
from converter.ops.lite_fields import lite_node
from converter.passes.fold.constants import written_variables

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node

_MADE_BY = "keep-operands-live"
BROADCASTING = frozenset(
    {
        "AddFusion",
        "SubFusion",
        "MulFusion",
        "DivFusion",
        "RealDiv",
        "Maximum",
        "Minimum",
        "SquaredDifference",
        "Eltwise",
    }
)


def keep_operands_live(model: Model) -> bool:
    """Let broadcasting arithmetic read a variable through a Reshape, because the device would keep its first value."""
    changed = False
    for graph in model.graphs:
        variables = written_variables(graph)
        for node in [node for node in graph.nodes if node.op in BROADCASTING]:
            for place, value in enumerate(node.inputs):
                if id(value) in variables and _is_broadcast(node, value):
                    _read_through_reshape(graph, node, place)
                    changed = True
    return changed


def _is_broadcast(node: Node, value: Value) -> bool:
    """Whether the operand is smaller than the result; single elements are read afresh in every step."""
    return value.type.size > 1 and value.type.shape != node.outputs[0].type.shape


def _read_through_reshape(graph: Graph, node: Node, place: int) -> None:
    """Put the Reshape before the node; it takes over what the node had to wait for."""
    value = node.inputs[place]
    shape = value.type.shape or ()
    name = f"{node.name}/live_{place}"
    live = Value(name, value.type)
    target = constant("", np.array(shape, np.int32))
    reshape = lite_node("Reshape", name, node.origin.derived(_MADE_BY), [value, target], [live])
    reshape.after = node.after
    insert_before(graph, node, reshape)
    set_input(node, place, live)
