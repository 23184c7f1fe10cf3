"""Arithmetic on constants, done once."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from converter.ir import ArrayTensor, Layout, Value
from converter.ir.editing import remove, replace_uses, wire
from converter.ops.context import integers_of
from converter.ops.layouts import RANK
from converter.ops.lite_ops import LITE_OPS
from converter.reference.call import Call

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node
    from converter.ops.lite_ops import LiteOp

# A fold may not make the file much larger than what it replaces (a broadcast of a scalar to a whole feature map, say):
# up to so many bytes, or so many times the largest operand.
_GROWTH_LIMIT, _GROWTH_FACTOR = 1 << 16, 4


def fold_constants(model: Model) -> bool:
    """Compute nodes whose inputs are all constant, except those that read a variable that some node writes."""
    changed = False
    for graph in model.graphs:
        variables = written_variables(graph)
        folded = [node for node in graph.nodes if _is_foldable(node, variables) and _fold(graph, node)]
        remove(graph, folded)
        changed |= bool(folded)
    return changed


def written_variables(graph: Graph) -> set[int]:
    """Identities of the constants that change while the model trains."""
    return {id(node.inputs[i]) for node in graph.nodes if node.op in LITE_OPS for i in LITE_OPS[node.op].writes}


def _is_foldable(node: Node, variables: set[int]) -> bool:
    """Pure, constant, and not blown up."""
    lite = LITE_OPS.get(node.op)
    if (
        lite is None
        or lite.writes
        or not node.inputs
        or len(node.outputs) != 1
        or not node.outputs[0].type.is_static
        or not _is_laid_out(node, lite)
    ):
        return False
    if any(value.const is None or id(value) in variables for value in node.inputs):
        return False
    from converter.reference.kernels import KERNELS  # noqa: PLC0415 - 30 modules that few models need

    if node.op not in KERNELS:
        return False
    size = max(node.outputs[0].type.size, _grown(node)) * node.outputs[0].type.dtype.itemsize
    largest = max(value.const.nbytes for value in node.inputs if value.const is not None)
    return size <= max(_GROWTH_LIMIT, _GROWTH_FACTOR * largest)


def _grown(node: Node) -> int:
    """Number of elements that an operator makes out of few; what the file says of its output may be wrong."""
    if node.op not in ("TileFusion", "BroadcastTo", "Fill"):
        return 0
    counts = [prod(integers_of(value) or ()) for value in node.inputs]
    return node.inputs[0].type.size * counts[-1] if node.op == "TileFusion" else max(counts)


def _is_laid_out(node: Node, lite: LiteOp) -> bool:
    """Whether images and kernels have the layout that the operator computes in; before channels-last they do not."""
    places = (*lite.nhwc, *lite.kernels)
    images = [node.inputs[i] for i in places if i < len(node.inputs) and node.inputs[i].type.rank == RANK]
    return all(value.layout is not Layout.NCHW for value in images)


def _fold(graph: Graph, node: Node) -> bool:
    """Let the readers of a node read its result; cut off, it keeps no operand in memory while it is in the list."""
    from converter.reference.compute import compute  # noqa: PLC0415 - as above

    arrays = tuple(value.const.array() for value in node.inputs if value.const is not None)
    (result,) = compute(Call(node, arrays))
    if result is None:
        message = f"the reference kernel of {node.op} has no result"
        raise ValueError(message)
    tensor = ArrayTensor.of(result)
    folded = Value(node.outputs[0].name, tensor.type, const=tensor, layout=node.outputs[0].layout)
    replace_uses(graph, node.outputs[0], folded)
    wire(node, (), ())
    return True
