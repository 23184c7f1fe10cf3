"""Nodes that change nothing go; reshapes, transposes and casts in a row become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ops.context import constant, integers_of
from converter.passes.pattern import Anything, Match, number_of, op
from converter.passes.rewrite import Refusal, Replacement, Rule

if TYPE_CHECKING:
    from converter.ir import Node, Value

_LINEAR = "Reshape|Flatten|Squeeze|ExpandDims|Unsqueeze"
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


def merge_reshapes(match: Match) -> Replacement | Refusal:
    """Reshape at once: `reshape(reshape(x))` has the elements of `x`, whatever shape they had in between."""
    result, x = match.result, match.node("first").inputs[0]
    if not result.type.is_static or not x.type.is_static:
        return Refusal()
    shape = constant(f"{match.root.name}/shape", np.array(result.type.shape, np.int32))
    return Replacement("Reshape", [x, shape], {}, anchor=match.root)


def merge_transposes(match: Match) -> Replacement | Refusal:
    """Transpose at once."""
    first, second = integers_of(match.value("first")), integers_of(match.value("second"))
    if first is None or second is None or len(first) != len(second):
        return Refusal()
    order = constant(f"{match.root.name}/perm", np.array([first[axis] for axis in second], np.int32))
    return Replacement("Transpose", [match.value("x"), order], {}, anchor=match.root)


def reshape_instead(match: Match) -> Replacement | Refusal:
    """Reshape where a transpose moves no element, because the axes that pass each other have size 1."""
    x, result = match.value("x"), match.result
    order, shape = integers_of(match.value("order")), x.type.shape
    if order is None or shape is None or not result.type.is_static or result.layout is not x.layout:
        return Refusal()
    moving = [axis for axis in order if shape[axis] != 1]
    if moving != sorted(moving):
        return Refusal()
    target = constant(f"{match.root.name}/shape", np.array(result.type.shape, np.int32))
    return Replacement("Reshape", [x, target], {}, anchor=match.root)


RULES = (
    Rule("remove-identity", op("|".join(sorted(_KEEPS_EVERYTHING))), remove_identity, ("CastFusion",)),
    Rule(
        "merge-reshapes",
        op(_LINEAR, op(_LINEAR, label="first", is_shared=True), has_more=True),
        merge_reshapes,
        ("ReshapeReshapeFusion", "SqueezeExpandDimsFusion", "ExpandDimsReshapeFusion", "SqueezeFusion"),
    ),
    Rule(
        "merge-transposes",
        op("Transpose", op("Transpose", Anything("x"), Anything("first"), is_shared=True), Anything("second")),
        merge_transposes,
        ("TransposeFusion",),
    ),
    Rule(
        "reshape-instead-of-transpose",
        op("Transpose", Anything("x"), Anything("order")),
        reshape_instead,
    ),
)
