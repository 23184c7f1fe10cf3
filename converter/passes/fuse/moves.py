"""Transposes and reshapes in a row: as few as the elements need.

However many there are, their effect is a reshape, a transpose and a reshape. Axes are cut into factors that none of the
reshapes takes apart; runs of factors that stay neighbors are what a transpose has to move.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from converter.ir import TensorType, Value
from converter.ops.context import constant, integers_of
from converter.ops.lite_fields import lite_node
from converter.passes.pattern import Match, op
from converter.passes.rewrite import Refusal, Replacement, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node

    Shape = tuple[int, ...]
    # Factors (size, stride in the input) of one axis; one of size 1 has none.
    Factors = list[tuple[int, int]]

_MOVES = "Transpose|Reshape|Flatten|Squeeze|ExpandDims|Unsqueeze"


class Step(NamedTuple):
    """A Transpose by this order or a Reshape to this shape, and the shape that comes out."""

    op: str
    argument: Shape
    shape: Shape


def shortest(source: Shape, nodes: Sequence[Node]) -> tuple[Step, ...] | None:
    """The fewest steps with the effect of some nodes; None where shapes are not known, or do not divide each other."""
    axes: list[Factors] | None = _factors_of(source)
    for node in nodes:
        shape = node.outputs[0].type.shape
        if shape is None or axes is None or any(size < 1 for size in shape):
            return None
        if node.op == "Transpose":
            order = integers_of(node.inputs[1])
            axes = [axes[axis] for axis in order] if order is not None and len(order) == len(axes) else None
        else:
            axes = _regrouped([factor for axis in axes for factor in axis], shape)
    if axes is None:
        return None
    return _steps(source, nodes[-1].outputs[0].type.shape or (), _runs([factor for axis in axes for factor in axis]))


def _factors_of(shape: Shape) -> list[Factors]:
    return [[(size, prod(shape[axis + 1 :]))] if size != 1 else [] for axis, size in enumerate(shape)]


def _regrouped(factors: Factors, shape: Shape) -> list[Factors] | None:
    """Factors in their order, shared out among the axes of a new shape; large ones are cut where an axis ends."""
    pending = list(reversed(_runs(factors)))
    axes: list[Factors] = []
    for size in shape:
        axis: Factors = []
        missing = size
        while missing != 1:
            whole, stride = pending.pop()
            if missing % whole and whole % missing:
                return None
            taken = min(missing, whole)
            rest = whole // taken
            axis.append((taken, stride * rest))
            missing //= taken
            if rest != 1:
                pending.append((rest, stride))
        axes.append(axis)
    return axes


def _runs(factors: Factors) -> list[tuple[int, int]]:
    """Factors that are neighbors in the input as well, joined: (size, stride)."""
    runs: list[tuple[int, int]] = []
    for size, stride in factors:
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    return runs


def _steps(source: Shape, result: Shape, runs: list[tuple[int, int]]) -> tuple[Step, ...]:
    """The fewest steps that bring the runs of the input into this order."""
    if len(runs) < 2:  # noqa: PLR2004 - a single run stays where it is
        return () if source == result else (Step("Reshape", result, result),)
    places = sorted(range(len(runs)), key=lambda run: -runs[run][1])
    wide, turned = [runs[run][0] for run in places], [size for size, _ in runs]
    order = [places.index(run) for run in range(len(runs))]
    parts = _cut(source, wide)
    if parts is not None:
        axes = [axis for run in order for axis in parts[run]]
        exact = _with_ones(axes, source, result)
        if exact is not None:
            return (_transpose(source, exact),)
        first = _transpose(source, [*(axis for axis, size in enumerate(source) if size == 1), *axes])
        return (first, Step("Reshape", result, result))
    parts = _cut(result, turned)
    if parts is None:
        second = _transpose(tuple(wide), order)
        return (Step("Reshape", tuple(wide), tuple(wide)), second, Step("Reshape", result, result))
    axes = [*(axis for axis, size in enumerate(result) if size == 1), *(a for run in places for a in parts[run])]
    before = tuple(result[axis] for axis in axes)
    return (Step("Reshape", before, before), _transpose(before, [axes.index(a) for a in range(len(axes))]))


def _cut(shape: Shape, runs: Sequence[int]) -> list[list[int]] | None:
    """The axes of a shape (but those of size 1) by the run that they are part of; None where one crosses a border."""
    parts: list[list[int]] = [[] for _ in runs]
    place, left = 0, runs[0]
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        if left == 1:
            place, left = place + 1, runs[place + 1]
        if left % size:
            return None
        parts[place].append(axis)
        left //= size
    return parts


def _with_ones(axes: list[int], source: Shape, result: Shape) -> list[int] | None:
    """The order that gives exactly `result`, axes of size 1 included; None where there is none."""
    if len(source) != len(result) or [source[axis] for axis in axes] != [size for size in result if size != 1]:
        return None
    ones = iter([axis for axis, size in enumerate(source) if size == 1])
    others = iter(axes)
    return [next(ones) if size == 1 else next(others) for size in result]


def _transpose(shape: Shape, order: Sequence[int]) -> Step:
    return Step("Transpose", tuple(order), tuple(shape[axis] for axis in order))


def merge_moves(match: Match) -> Replacement | Value | Refusal:
    """Move elements once: transposes and reshapes in a row become the fewest that do the same."""
    nodes, x = [match.root], match.node("first").inputs[0]
    while nodes[0].inputs[0] is not x:
        nodes.insert(0, nodes[0].inputs[0].producer or match.root)
    steps = shortest(x.type.shape, nodes) if x.type.is_static and x.type.shape is not None else None
    if steps is None or not _pays(match, nodes, steps):
        return Refusal()
    if not steps:
        return x if x.layout is match.result.layout else Refusal()
    before: list[Node] = []
    for index, step in enumerate(steps):
        name = f"{match.root.name}/{step.op}_{index}"
        inputs = [
            x,
            constant(f"{name}/{'perm' if step.op == 'Transpose' else 'shape'}", np.array(step.argument, np.int32)),
        ]
        if index < len(steps) - 1:
            x = Value(name, TensorType(x.type.dtype, step.shape))
            before.append(lite_node(step.op, name, match.root.origin.derived("merge-moves"), inputs, [x]))
    return Replacement(steps[-1].op, inputs, {}, anchor=match.root, before=tuple(before))


def _pays(match: Match, nodes: list[Node], steps: tuple[Step, ...]) -> bool:
    """Whether fewer nodes are left, a Reshape in place of a Transpose, or as many that wait for less.

    Others may read what the inner nodes make; these go when the last of their readers has found its own way.
    """
    outputs = {id(value) for value in match.graph.outputs}
    going = 1
    for before, node in reversed(list(pairwise(nodes))):
        made = before.outputs[0]
        if id(made) in outputs or any(user is not node for user in made.users):
            break
        going += 1
    if len(steps) != 1 or len(steps) < going:
        return len(steps) < going
    was_transpose, is_transpose = match.root.op == "Transpose", steps[0].op == "Transpose"
    return (was_transpose and not is_transpose) or (len(nodes) > 1 and was_transpose == is_transpose)


_FIRST = op(_MOVES, label="first", has_more=True, is_shared=True)
_SECOND = op(_MOVES, _FIRST, has_more=True, is_shared=True)
RULES = (
    Rule("reshape-instead-of-transpose", op("Transpose", label="first"), merge_moves, ("ReshapeTransposeFusion",)),
    Rule(
        "merge-two-moves",
        op(_MOVES, _FIRST, has_more=True),
        merge_moves,
        ("ReshapeReshapeFusion", "SqueezeExpandDimsFusion", "ExpandDimsReshapeFusion", "TransposeFusion"),
    ),
    Rule("merge-three-moves", op(_MOVES, _SECOND, has_more=True), merge_moves, ("SqueezeFusion",)),
)
