"""Numbers that scale what a product made move up to its weight: the `1 / √d` of an attention costs nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import TensorType, Value
from converter.ops.lite_fields import lite_node
from converter.passes.fuse.steps import activation_of
from converter.passes.pattern import Constant, Either, Match, number_of, op
from converter.passes.rewrite import Refusal, Replacement, Rule

if TYPE_CHECKING:
    from converter.ir import Graph, Node

_MOVES = "Transpose|Reshape|Flatten|Squeeze|ExpandDims|Unsqueeze"


def scale_before(match: Match) -> Replacement | Refusal:
    """Scale what a move or product reads, where that leads to a constant weight: `(q k) * c` is `(q * c) k`."""
    node, root = match.node("before"), match.root
    factor = root.inputs[1] if root.inputs[0] is node.outputs[0] else root.inputs[0]
    source = node.inputs[0]
    is_plain = number_of(factor) is not None and not activation_of(root) and not activation_of(node)
    if not is_plain or root.outputs[0].type != node.outputs[0].type or len(node.inputs) > 2:  # noqa: PLR2004 - no bias
        return Refusal()
    if not _leads_to_weight(match.graph, source, node):
        return Refusal()
    scaled = Value(f"{root.name}/scaled", TensorType(source.type.dtype, source.type.shape), layout=source.layout)
    origin = root.origin.derived("scale-weights")
    before = lite_node(root.op, f"{root.name}/scaled", origin, [source, factor], [scaled], root.attrs)
    return Replacement(node.op, [scaled, *node.inputs[1:]], node.attrs, anchor=node, before=(before,))


def _leads_to_weight(graph: Graph, value: Value, reader: Node) -> bool:
    """Whether only `reader` reads the value, and only moves stand between it and a product with a constant weight."""
    node = value.producer
    is_inner = all(user is reader for user in value.users) and not any(value is each for each in graph.outputs)
    if node is None or not is_inner or len(value.users) != 1:
        return False
    if node.op in _MOVES.split("|"):
        return _leads_to_weight(graph, node.inputs[0], node)
    weight = node.inputs[1] if node.op == "MatMulFusion" else None
    biases = [each.const is not None for each in node.inputs[2:]]
    return (
        weight is not None
        and weight.const is not None
        and len(weight.users) == 1
        and all(biases)
        and not activation_of(node)
    )


_BEFORE = op(f"{_MOVES}|MatMulFusion", label="before", has_more=True)
RULES = (
    Rule(
        "scale-weights",
        Either((op("MulFusion", _BEFORE, Constant(), swaps=True), op("RealDiv|DivFusion", _BEFORE, Constant()))),
        scale_before,
    ),
)
