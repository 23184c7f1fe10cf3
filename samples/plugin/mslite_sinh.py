"""A plugin: the operator Sinh, which the converter does not know, becomes exponentials."""

from __future__ import annotations

import numpy as np

from converter.ir import ArrayTensor, Model, Node, Value
from converter.ir.editing import insert_before, remove, replace_uses, wire
from converter.passes.base import Pass


def write_sinh_with_exponentials(model: Model) -> bool:
    """Replace Sinh(x) by (Exp(x) - Exp(-x)) / 2."""
    changed = False
    for graph in model.graphs:
        for node in [node for node in graph.nodes if node.op == "Sinh"]:
            (x,) = node.inputs
            half = ArrayTensor.of(np.array(0.5, x.type.dtype.numpy))

            def made(op: str, *inputs: Value, name: str, old: Node = node, like: Value = x) -> Node:
                origin = old.origin.derived("sinh")
                return wire(Node(op, f"{old.name}_{name}", origin), inputs, [Value(f"{old.name}_{name}", like.type)])

            negative = made("Neg", x, name="negative")
            up = made("Exp", x, name="up")
            down = made("Exp", negative.outputs[0], name="down")
            difference = made("Sub", up.outputs[0], down.outputs[0], name="difference")
            result = made("Mul", difference.outputs[0], Value(f"{node.name}_half", half.type, const=half), name="sinh")
            insert_before(graph, node, negative, up, down, difference, result)
            replace_uses(graph, node.outputs[0], result.outputs[0])
            remove(graph, [node])
            changed = True
    return changed


# After the types are narrowed and before operators are adapted: the graph still speaks MindIR.
SINH = Pass("write-sinh-with-exponentials", write_sinh_with_exponentials, after=("narrow-types",))
