"""NCHW to NHWC: the device computes convolutions, pooling and biases with the channels last.

Instead of wrapping each such operator in transposes and cancelling them afterwards, the pass decides for every rank-4
value whether it is stored channels last, and only then puts a Transpose on each edge whose two ends disagree, one per
value and direction. Values at layout-bound operators, graph inputs and convolution kernels are channels last;
element-wise operators follow their inputs; everything else stays as in MindIR. Kernels (K, C, H, W) and their optimizer
slots move by the same permutation, so a weight, its slots and its gradient always agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Layout, Node, Note, TensorType, TransposedTensor, Value
from converter.ir.editing import insert_after, insert_before, set_input
from converter.ops.adapters import constant
from converter.ops.lite_fields import lite_node
from converter.ops.lite_ops import LITE_OPS

if TYPE_CHECKING:
    from converter.ir import Graph, Model

TO_NHWC = (0, 2, 3, 1)
TO_NCHW = (0, 3, 1, 2)
_RANK = 4
_MADE_BY = "channels-last"


def channels_last(model: Model) -> bool:
    """Store images channels last and convolution kernels KHWC, with the fewest transposes at the borders."""
    for graph in model.graphs:
        plan = _Plan(graph)
        plan.decide()
        _Rewrite(model, graph, plan).run()
    return True


@dataclass
class _Plan:
    """Which values are stored channels last, and which element-wise nodes work that way."""

    graph: Graph
    last: set[int] = field(default_factory=set)
    following: set[int] = field(default_factory=set)

    def decide(self) -> None:
        """Grow both sets until nothing is added."""
        self.last.update(id(value) for value in self.graph.inputs if is_image(value))
        for node in self.graph.nodes:
            lite = LITE_OPS.get(node.op)
            if lite is not None:
                self.last.update(id(node.outputs[i]) for i in lite.nhwc_outputs if is_image(node.outputs[i]))
                self.last.update(id(node.inputs[i]) for i in lite.kernels if node.inputs[i].const is not None)
        size = -1
        while size != len(self.last) + len(self.following):
            size = len(self.last) + len(self.following)
            for node in self.graph.nodes:
                self._follow(node)

    def _follow(self, node: Node) -> None:
        """Let an element-wise node take the layout of its inputs, if all of them can have it."""
        lite = LITE_OPS.get(node.op)
        if lite is None or not lite.follows:
            return
        images = [value for value in node.inputs if is_image(value)]
        movers = [value for value in images if id(value) in self.last and not _is_free(value)]
        if not movers or any(not is_image(value) and not _is_single(value) for value in node.inputs):
            return
        self.following.add(id(node))
        self.last.update(id(value) for value in node.outputs if is_image(value))
        self.last.update(id(value) for value in images if value.const is not None)

    def wants_last(self, node: Node, index: int) -> bool:
        """Whether an input of a node must be channels last."""
        lite = LITE_OPS.get(node.op)
        if lite is None or not is_image(node.inputs[index]):
            return False
        return id(node) in self.following or index in lite.nhwc or index in lite.kernels


def is_image(value: Value) -> bool:
    """Whether a value has four axes, so that there is something to move."""
    return value.type.rank == _RANK


def _is_single(value: Value) -> bool:
    """One element: the same in any layout."""
    return value.type.is_static and value.type.size == 1


def _is_free(value: Value) -> bool:
    """A constant with no other reason to move: it follows, it does not lead."""
    return value.const is not None and len(value.users) == 1


@dataclass
class _Rewrite:
    """Carries the plan out."""

    model: Model
    graph: Graph
    plan: _Plan
    moved: dict[tuple[int, bool], Value] = field(default_factory=dict)

    def run(self) -> None:
        """Borders first, while every type is still that of MindIR; then the types of what is stored channels last."""
        values = {id(v): v for node in self.graph.nodes for v in (*node.inputs, *node.outputs)}
        values.update((id(value), value) for value in self.graph.inputs)
        for node in list(self.graph.nodes):
            for index, value in enumerate(node.inputs):
                wanted = self.plan.wants_last(node, index)
                if is_image(value) and wanted != (id(value) in self.plan.last):
                    set_input(node, index, self._transposed(value, node, last=wanted))
        for index, value in enumerate(self.graph.outputs):
            if id(value) in self.plan.last and value.producer is not None:
                self.graph.outputs[index] = self._transposed(value, value.producer, last=False)
        for key, value in values.items():
            if key in self.plan.last:
                self._relabel(value)
        for node in self.graph.nodes:
            self._set_format(node)

    def _transposed(self, value: Value, reader: Node, *, last: bool) -> Value:
        """The value in the other layout: by one Transpose for all readers, or another view of a constant."""
        key = (id(value), last)
        if key not in self.moved:
            perm = TO_NHWC if last else TO_NCHW
            self.moved[key] = self._transpose_node(value, reader, perm)
        return self.moved[key]

    def _transpose_node(self, value: Value, reader: Node, perm: tuple[int, ...]) -> Value:
        """A Transpose behind the producer; the shape is that after both have their final layout."""
        shape = value.type.shape or ()
        shape = tuple(shape[axis] for axis in perm) if perm == TO_NHWC else shape
        name = f"{value.name}_{'nhwc' if perm == TO_NHWC else 'nchw'}"
        origin = (value.producer or reader).origin.derived(_MADE_BY)
        order = constant(f"{name}_perm", np.array(perm, np.int32))
        result = Value(
            name, TensorType(value.type.dtype, shape), layout=Layout.NHWC if perm == TO_NHWC else Layout.NCHW
        )
        node = lite_node("Transpose", name, origin, [value, order], [result])
        if value.producer is not None:
            insert_after(self.graph, value.producer, node)
        else:
            first = next(each for each in self.graph.nodes if any(v is value for v in each.inputs) or each is reader)
            insert_before(self.graph, first, node)
        return result

    def _relabel(self, value: Value) -> None:
        """Give a value its channels-last type; a constant becomes a transposed view."""
        shape = value.type.shape or ()
        value.type = TensorType(value.type.dtype, tuple(shape[axis] for axis in TO_NHWC))
        value.layout = Layout.NHWC
        if value.const is not None:
            value.const = TransposedTensor(value.const, TO_NHWC)
            value.layout = Layout.KHWC
        elif value.producer is None:
            message = f"input {value.name!r} is fed as NHWC {list(value.type.shape or ())}, in MindIR it is NCHW"
            self.model.notes.append(Note("layout", message))

    def _set_format(self, node: Node) -> None:
        """BiasAdd says in an attribute which layout it has."""
        if node.op == "BiasAdd":
            node.attrs["format"] = int(Layout.NHWC if is_image(node.inputs[0]) else Layout.NCHW)
