"""Takes activations out of products of matrices: the device's int8 MatMul kernel has none.

ReLU and ReLU6 may stay: they bound the range of the result, so that clipping to int8 does their work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Node, Value
from converter.ir.editing import insert_after, wire
from converter.ops.lite_fields import defaults
from converter.quantize.int8_policy import BOUNDS, NO_ACTIVATION

if TYPE_CHECKING:
    from converter.ir import Graph


def unfuse_activations(graph: Graph) -> None:
    """Put an Activation behind every MatMulFusion that has another one; the result keeps its name."""
    for node in list(graph.nodes):
        kind = node.attrs.get("activation_type", NO_ACTIVATION)
        if node.op != "MatMulFusion" or kind in BOUNDS:
            continue
        result = node.outputs[0]
        product = Value(f"{result.name}_product", result.type, layout=result.layout)
        node.attrs["activation_type"] = NO_ACTIVATION
        wire(node, node.inputs, (product,))
        origin = node.origin.derived("quantize")
        activation = Node(
            "Activation", f"{node.name}_activation", origin, attrs={**defaults("Activation"), "activation_type": kind}
        )
        insert_after(graph, node, wire(activation, (product,), (result,)))
