"""Patterns of nodes: what a fusion looks for, written from the last node back to the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.ir import Attr, Graph, Model, Node, Value

Pattern: TypeAlias = "Op | Anything | Constant | Number | Either"
Found: TypeAlias = "dict[str, Value]"
# Scalars in exported graphs are float32 roundings of what the formula says.
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Anything:
    """Any value; the same one wherever the label stands again."""

    label: str = ""


@dataclass(frozen=True)
class Constant:
    """A constant tensor."""

    label: str = ""


@dataclass(frozen=True)
class Number:
    """A constant of one element that is this number."""

    value: float


@dataclass(frozen=True)
class Either:
    """One of several node patterns."""

    options: tuple[Op | Either, ...]

    @property
    def ops(self) -> frozenset[str]:
        """Operators of the last node."""
        return frozenset(name for option in self.options for name in option.ops)


@dataclass(frozen=True)
class Op:
    """A node by its operators, its first inputs and some attributes; `label` names its first output.

    Without `inputs` it may read anything; with them it has exactly these, or more where `has_more`. With `swaps` the
    first two inputs may stand in either order. A node that `is_shared` is only looked at: others may read its results,
    and it stays for them.
    """

    ops: tuple[str, ...]
    inputs: tuple[Pattern, ...] = ()
    label: str = ""
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    has_more: bool = False
    swaps: bool = False
    is_shared: bool = False


def op(
    ops: str,
    *inputs: Pattern,
    label: str = "",
    has_more: bool = False,
    swaps: bool = False,
    is_shared: bool = False,
    **attrs: Attr,
) -> Op:
    """A node pattern; several operators are separated by `|`."""
    return Op(tuple(ops.split("|")), inputs, label, attrs, has_more, swaps, is_shared)


@dataclass(frozen=True)
class Match:
    """A place where a pattern fits: the last node, those that the rewrite replaces, and labelled values."""

    model: Model
    graph: Graph
    root: Node
    nodes: tuple[Node, ...]
    shared: tuple[Node, ...]
    values: Mapping[str, Value]

    def value(self, label: str) -> Value:
        """The value with a label."""
        return self.values[label]

    def node(self, label: str) -> Node:
        """The node that makes the value with a label."""
        node = self.values[label].producer
        if node is None:
            message = f"{label!r} labels no node"
            raise ValueError(message)
        return node

    @property
    def result(self) -> Value:
        """What the last node makes."""
        return self.root.outputs[0]


def matches(model: Model, graph: Graph, pattern: Op | Either, root: Node) -> Iterator[Match]:
    """Every way in which the pattern ends at `root`."""
    for values, used in _value(pattern, root.outputs[0], {}, ()):
        nodes = tuple({id(node): node for node, shape in used if not shape.is_shared}.values())
        shared = tuple({id(node): node for node, shape in used if shape.is_shared}.values())
        yield Match(model, graph, root, nodes, shared, values)


_Used: TypeAlias = "tuple[tuple[Node, Op], ...]"


def _node(pattern: Op, node: Node, values: Found, used: _Used) -> Iterator[tuple[Found, _Used]]:
    """Ways to match a node pattern, going on from what has been found."""
    if node.op not in pattern.ops or any(node.attrs.get(name) != value for name, value in pattern.attrs.items()):
        return
    if pattern.label:
        if values.get(pattern.label, node.outputs[0]) is not node.outputs[0]:
            return
        values = {**values, pattern.label: node.outputs[0]}
    used = (*used, (node, pattern))
    if not pattern.inputs:
        yield values, used
        return
    count = len(pattern.inputs)
    if len(node.inputs) < count or (len(node.inputs) > count and not pattern.has_more):
        return
    yield from _inputs(pattern.inputs, node.inputs[:count], values, used)
    if pattern.swaps:
        first, second, *rest = node.inputs[:count]
        yield from _inputs(pattern.inputs, (second, first, *rest), values, used)


def _inputs(
    patterns: Sequence[Pattern], inputs: Sequence[Value], values: Found, used: _Used
) -> Iterator[tuple[Found, _Used]]:
    """Ways to match all inputs."""
    if not patterns:
        yield values, used
        return
    for found, more in _value(patterns[0], inputs[0], values, used):
        yield from _inputs(patterns[1:], inputs[1:], found, more)


def _value(pattern: Pattern, value: Value, values: Found, used: _Used) -> Iterator[tuple[Found, _Used]]:
    """Ways to match one input."""
    if isinstance(pattern, Either):
        for option in pattern.options:
            yield from _value(option, value, values, used)
        return
    if isinstance(pattern, Op):
        if value.producer is not None and value.producer.outputs[0] is value:
            yield from _node(pattern, value.producer, values, used)
        return
    if isinstance(pattern, Number):
        if number_of(value) is not None and np.isclose(number_of(value) or 0.0, pattern.value, _TOLERANCE, 0):
            yield values, used
        return
    if isinstance(pattern, Constant) and value.const is None:
        return
    if not pattern.label:
        yield values, used
    elif values.get(pattern.label, value) is value:
        yield {**values, pattern.label: value}, used


def number_of(value: Value) -> float | None:
    """The number in a constant of one element; None for everything else."""
    if value.const is None or value.const.size != 1 or value.const.dtype.numpy.kind not in "fiu":
        return None
    return float(value.const.array().reshape(-1)[0])
