"""Nodes that change nothing go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.context import integers_of
from converter.passes.pattern import Match, number_of, op
from converter.passes.rewrite import Refusal, Rule

if TYPE_CHECKING:
    from converter.ir import Node, Value

_NEUTRAL = {"AddFusion": 0.0, "SubFusion": 0.0, "MulFusion": 1.0, "RealDiv": 1.0, "DivFusion": 1.0, "PowFusion": 1.0}
_FROM_EITHER_SIDE = ("AddFusion", "MulFusion")
_KEEPS_EVERYTHING = frozenset(
    {"Reshape", "Flatten", "Squeeze", "ExpandDims", "Unsqueeze", "Cast", "SliceFusion", "StridedSlice", "BroadcastTo"}
    | {"TileFusion", "PadFusion", "Concat", "Split", "Transpose", "Activation", *_NEUTRAL}
)


def remove_identity(match: Match) -> Value | Refusal:
    """Let readers of a node that changes nothing read what it reads: `x + 0`, `x * 1`, a cast to the same type."""
    node = match.root
    kept = _unchanged(node)
    if kept is None or len(node.outputs) != 1:
        return Refusal()
    is_same = kept.type == node.outputs[0].type and kept.type.is_static and kept.layout is node.outputs[0].layout
    return kept if is_same else Refusal()


def _unchanged(node: Node) -> Value | None:
    """The input that a node passes on as it is, provided that its type is the same."""
    first = node.inputs[0]
    if node.op in _NEUTRAL:
        return _neutral(node)
    if node.op == "Transpose":
        order = integers_of(node.inputs[1])
        return first if order is not None and list(order) == sorted(order) else None
    if node.op == "StridedSlice":
        steps = integers_of(node.inputs[3]) if len(node.inputs) > 3 else (1,)  # noqa: PLR2004 - begin, end, strides
        return first if steps is not None and all(step == 1 for step in steps) else None
    if node.op == "Concat" and len(node.inputs) > 1:
        return None
    if node.op == "Activation":
        return None if node.attrs.get("activation_type") else first
    return first


def _neutral(node: Node) -> Value | None:
    """The other operand of `x + 0` and the like."""
    if node.attrs.get("activation_type"):
        return None
    if node.op == "PowFusion" and (node.attrs.get("scale"), node.attrs.get("shift")) != (1.0, 0.0):
        return None
    x, y = node.inputs[:2]
    if number_of(y) == _NEUTRAL[node.op]:
        return x
    return y if node.op in _FROM_EITHER_SIDE and number_of(x) == _NEUTRAL[node.op] else None


RULES = (Rule("remove-identity", op("|".join(sorted(_KEEPS_EVERYTHING))), remove_identity, ("CastFusion",)),)
