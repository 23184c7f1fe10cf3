"""Builders for tiny graphs. Shapes are distinct primes, so that mixed-up axes show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import ArrayTensor, Attr, DType, Graph, Layout, Literal, Model, Node, Origin, Stage, TensorType, Value
from converter.ir.editing import wire
from converter.ops.lite_fields import defaults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLOAT, INT = DType.FLOAT32, DType.INT32


def value(name: str, *shape: int, dtype: DType = FLOAT, layout: Layout = Layout.NCHW) -> Value:
    """A value without numbers: a graph input, or what a node will make."""
    return Value(name, TensorType(dtype, shape), layout=layout)


def constant(name: str, *shape: int, layout: Layout = Layout.NCHW, seed: int = 7) -> Value:
    """A float constant of repeatable random numbers."""
    numbers = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return numbered(name, numbers, layout)


def numbered(
    name: str, numbers: np.ndarray[tuple[int, ...], np.dtype[np.generic]], layout: Layout = Layout.NCHW
) -> Value:
    """A constant with these numbers."""
    tensor = ArrayTensor.of(np.asarray(numbers))
    return Value(name, tensor.type, const=tensor, layout=layout)


def literal(argument: Attr) -> Value:
    """An argument that is no tensor."""
    return Value("", TensorType(FLOAT, ()), literal=Literal(argument))


def node(
    op: str,
    inputs: Sequence[Value],
    outputs: Sequence[Value] | None = None,
    attrs: Mapping[str, Attr] | None = None,
    *,
    name: str = "",
    after: tuple[Node, ...] = (),
) -> Node:
    """A wired node; without outputs it makes one value like its first input."""
    name = name or op
    made = outputs if outputs is not None else [Value(name, inputs[0].type, layout=inputs[0].layout)]
    origin = Origin("tiny.mindir", name, op, f"Default/{name}-Cell/{op}-op2")
    return wire(Node(op, name, origin, attrs=dict(attrs or {}), after=after), inputs, made)


def lite(
    op: str, inputs: Sequence[Value], outputs: Sequence[Value] | None = None, name: str = "", **attrs: Attr
) -> Node:
    """A Lite node; attributes that are not given have the schema's defaults."""
    return node(op, inputs, outputs, {**defaults(op), **attrs}, name=name)


def graph(nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
    """A graph named `tiny`."""
    return Graph("tiny", list(inputs), list(outputs), list(nodes))


def model(nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value], stage: Stage = Stage.LITE) -> Model:
    """A model of one graph."""
    return Model([graph(nodes, inputs, outputs)], stage, "tiny.mindir", "MindSpore 2.0.0")


def chain(length: int) -> Graph:
    """x -> Abs -> Abs -> …"""
    x = value("x", 2, 3)
    nodes: list[Node] = []
    for index in range(length):
        nodes.append(node("Abs", [nodes[-1].outputs[0] if nodes else x], name=f"n{index}"))
    return graph(nodes, [x], nodes[-1].outputs)
