"""Which nodes FULL_QUANT lets compute in int8, and why the others stay float.

What the official runtime's int8 kernels take was measured with runtime 2.0.0 (tests/oracle/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.ir import DType

if TYPE_CHECKING:
    from converter.ir import Graph, Node, Value
    from converter.options import QuantOptions

QUANT_ALL = 5
# Numbers of ActivationType: none, ReLU and ReLU6 are bounds of the int8 result; others would need a table.
NO_ACTIVATION = 0
BOUNDS = (NO_ACTIVATION, 1, 3)
_MATRIX = 2
_BIAS = 2

# They only move numbers, so their output has the scale of their input.
CARRIERS = frozenset({"Reshape", "Transpose", "ExpandDims", "Unsqueeze", "Squeeze"})
COMPUTES = frozenset({"Conv2DFusion", "MatMulFusion"})


@dataclass
class Plan:
    """`computes` multiply in int8 and `carriers` move int8; `islands` are the other nodes that could, with reasons."""

    computes: list[Node] = field(default_factory=list)
    carriers: list[Node] = field(default_factory=list)
    islands: list[tuple[Node, str]] = field(default_factory=list)

    def observed(self) -> list[Value]:
        """The activations whose range must be known, each once."""
        found: dict[int, Value] = {}
        for node in self.computes:
            for value in (*activations(node), node.outputs[0]):
                found.setdefault(id(value), value)
        carried = {id(value) for node in self.carriers for value in node.outputs}
        return [value for value in found.values() if id(value) not in carried]


def activations(node: Node) -> list[Value]:
    """The inputs of an int8 node that are not constants."""
    return [value for value in node.inputs if not value.is_const]


def plan_int8(graph: Graph, options: QuantOptions) -> Plan:
    """Sort the nodes; what a carrier carries decides about it, so it follows the node before it."""
    plan = Plan()
    made_in_int8: set[int] = set()
    for node in graph.nodes:
        if node.op in COMPUTES:
            reason = _skipped(node, options) or _obstacle(node)
            if reason is None:
                plan.computes.append(node)
                made_in_int8.add(id(node.outputs[0]))
            else:
                plan.islands.append((node, reason))
        elif node.op in CARRIERS and id(node.inputs[0]) in made_in_int8 and not _skipped(node, options):
            plan.carriers.append(node)
            made_in_int8.add(id(node.outputs[0]))
        else:
            plan.islands.append((node, _skipped(node, options) or "runs in float32"))
    return plan


def _skipped(node: Node, options: QuantOptions) -> str | None:
    return "named by skip_quant_node" if node.name in options.skip_quant_node else None


def _obstacle(node: Node) -> str | None:
    """Why a convolution or a product of matrices cannot be an int8 one."""
    weight, bias = node.inputs[1], node.inputs[_BIAS] if len(node.inputs) > _BIAS else None
    is_matmul = node.op == "MatMulFusion"
    group, channels = node.attrs.get("group", 1), (weight.type.shape or (0,))[0]
    obstacles = {
        "its first input is a constant": node.inputs[0].is_const,
        "it does not read float32": any(value.type.dtype is not DType.FLOAT32 for value in node.inputs),
        "its bias is computed": bias is not None and not bias.is_const,
        "its weight is a stack of matrices": is_matmul and weight.is_const and weight.type.rank != _MATRIX,
        "its weight is computed": not is_matmul and not weight.is_const,
        "its activation is neither ReLU nor ReLU6": node.attrs.get("activation_type", NO_ACTIVATION) not in BOUNDS,
        "the runtime has no int8 kernel for grouped convolutions": not is_matmul and group not in (1, channels),
    }
    return next((reason for reason, is_there in obstacles.items() if is_there), None)
