"""NCHW to NHWC: the device computes convolutions, pooling and biases with the channels last.

Instead of wrapping each such operator in transposes and cancelling them afterwards, the pass first plans which values
are stored channels last (plan.py), and then carries the plan out: a Transpose where the two ends of an edge disagree,
one per value and direction; a Reshape instead where no element changes its place; nothing at all for constants, which
are stored in the order that their reader wants. Kernels (K, C, H, W) and their optimizer slots move by the same
permutation, so a weight, its slots and its gradient always agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import ArrayTensor, Layout, Note, TensorType, TransposedTensor, Value
from converter.ir.editing import insert_after, insert_before, remove, replace_uses, set_input, wire
from converter.ops.context import constant
from converter.ops.layouts import RANK, TO_NCHW, TO_NHWC
from converter.ops.lite_fields import lite_node
from converter.ops.lite_ops import LITE_OPS
from converter.passes.layout.axes import (
    composed,
    is_image,
    is_single,
    keeps_order,
    move,
    permutation,
    permuted,
)
from converter.passes.layout.plan import Plan

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node

__all__ = ["TO_NCHW", "TO_NHWC", "channels_last"]

_MADE_BY = "channels-last"


def channels_last(model: Model) -> bool:
    """Store images channels last and convolution kernels KHWC, with the fewest transposes at the borders."""
    if any(value.layout is not Layout.NCHW for graph in model.graphs for value in _values(graph)):
        return False  # it has been here before
    plan = Plan(model.graphs, model.wanted)
    plan.decide()
    changed = False
    placed: dict[int, tuple[Value, Value]] = {}
    for graph in model.graphs:
        rewrite = _Rewrite(model, graph, plan, placed)
        rewrite.run()
        changed |= rewrite.changed
    _note_outputs(model)
    return changed


def _note_outputs(model: Model) -> None:
    """Tell which results come out in other axes than in the MindIR."""
    for index, value in enumerate(model.main.outputs):
        if model.wanted.output_layout is Layout.NHWC and value.layout is Layout.NHWC and is_image(value):
            names = model.wanted.output_names
            name = names[index] if index < len(names) else value.name
            message = f"output {name!r} is NHWC {list(value.type.shape or ())}, in MindIR it is NCHW"
            model.notes.append(Note("layout", message))


def _values(graph: Graph) -> list[Value]:
    """Every value of a graph, once."""
    values = {id(value): value for value in graph.inputs}
    values.update((id(v), v) for node in graph.nodes for v in (*node.inputs, *node.outputs))
    return list(values.values())


@dataclass
class _Rewrite:
    """Carries the plan out. `placed` are constants that other graphs read, too, with their channels-last twins."""

    model: Model
    graph: Graph
    plan: Plan
    placed: dict[int, tuple[Value, Value]]
    moved: dict[tuple[int, bool], Value] = field(default_factory=dict)
    changed: bool = False

    def run(self) -> None:
        """Borders first, while every type is still that of MindIR; then arguments and types of what moves."""
        values = _values(self.graph)
        self._place_constants(values)
        nodes = list(self.graph.nodes)
        for node in nodes:
            for index, value in enumerate(node.inputs):
                self._check_edge(node, index, value)
        for index, value in enumerate(self.graph.outputs):
            wanted = self.plan.returns_last(self.graph, index)
            if value.producer is not None and is_image(value) and self.plan.is_last(value) != wanted:
                self.graph.outputs[index] = self._converted(value, value.producer, last=wanted)
        for node in nodes:
            self._renumber(node)
        for value in values:
            if self.plan.is_last(value):
                self._relabel(value)
        self._merge_transposes()
        self._drop_identities()

    def _place_constants(self, values: list[Value]) -> None:
        """A constant that nobody writes is stored as its readers want it, twice when they differ."""
        for value in values:
            if value.const is None or not is_image(value) or id(value) in self.plan.variables:
                continue
            readers = [
                (node, index)
                for node in dict.fromkeys(value.users)
                for index, each in enumerate(node.inputs)
                if each is value and self.plan.wants_last(node, index)
            ]
            if not readers:
                continue
            stored = value
            if len(readers) != len(value.users) or id(value) in self.placed:
                twin = Value(f"{value.name}_nhwc", value.type, const=value.const)
                stored = self.placed.setdefault(id(value), (value, twin))[1]
                for node, index in readers:
                    set_input(node, index, stored)
            if stored.layout is Layout.NCHW:
                self._relabel(stored)
            self.moved[id(stored), True] = stored

    def _check_edge(self, node: Node, index: int, value: Value) -> None:
        """Bring one input into the layout that the node reads."""
        if not is_image(value):
            if self.plan.works_last(node) and LITE_OPS[node.op].follows and not is_single(value):
                set_input(node, index, self._aligned(value, node))
            return
        wanted = self.plan.wants_last(node, index)
        is_placed = self.moved.get((id(value), True)) is value
        if wanted is not None and not is_placed and wanted != self.plan.is_last(value):
            set_input(node, index, self._converted(value, node, last=wanted))

    def _converted(self, value: Value, reader: Node, *, last: bool) -> Value:
        """The value in the other layout: by one node for all its readers."""
        key = (id(value), last)
        if key not in self.moved:
            shape = value.type.shape or ()
            name = f"{value.name}_{'nhwc' if last else 'nchw'}"
            result = permuted(shape, TO_NHWC) if last else shape
            stored = shape if last else permuted(shape, TO_NHWC)
            perm = TO_NHWC if last else TO_NCHW
            self.moved[key] = self._move_node(value, reader, name, (stored, perm, result), last=last)
        return self.moved[key]

    def _aligned(self, value: Value, reader: Node) -> Value:
        """A broadcast operand of fewer axes as one of four axes, channels last."""
        key = (id(value), True)
        if key in self.moved:
            return self.moved[key]
        shape = value.type.shape or ()
        full = (1,) * (RANK - len(shape)) + shape
        result = permuted(full, TO_NHWC)
        name = f"{value.name}_nhwc"
        if value.const is not None and id(value) not in self.plan.variables:
            array = value.const.array().reshape(full).transpose(TO_NHWC)
            self.moved[key] = constant(name, np.ascontiguousarray(array))
            # The device takes the format of the operand with more axes: this one, while the other's are unknown.
            self.moved[key].layout = Layout.NHWC
            self.changed = True
        elif keeps_order(full, TO_NHWC):
            self.moved[key] = self._move_node(value, reader, name, (full, TO_NHWC, result), last=True)
        else:
            four = self._insert("Reshape", value, reader, f"{name}_axes", full)
            self.moved[key] = self._move_node(four, reader, name, (full, TO_NHWC, result), last=True)
        return self.moved[key]

    def _move_node(
        self,
        value: Value,
        reader: Node,
        name: str,
        change: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
        *,
        last: bool,
    ) -> Value:
        """A Transpose from one stored shape to the other, or a Reshape where no element changes its place."""
        stored, perm, result = change
        moves = not keeps_order(stored, perm) or any(dim < 0 for dim in result)
        made = self._insert("Transpose" if moves else "Reshape", value, reader, name, result, perm)
        made.layout = Layout.NHWC if last else Layout.NCHW
        return made

    def _insert(
        self, op: str, value: Value, reader: Node, name: str, shape: tuple[int, ...], perm: tuple[int, ...] = ()
    ) -> Value:
        """A node behind the value's producer, or before its first reader."""
        self.changed = True
        origin = (value.producer or reader).origin.derived(_MADE_BY)
        numbers = perm if op == "Transpose" else shape
        argument = constant(f"{name}_{'perm' if op == 'Transpose' else 'shape'}", np.array(numbers, np.int32))
        result = Value(name, TensorType(value.type.dtype, shape))
        node = lite_node(op, name, origin, [value, argument], [result])
        if value.producer is not None:
            insert_after(self.graph, value.producer, node)
        else:
            first = next(each for each in self.graph.nodes if any(v is value for v in each.inputs) or each is reader)
            insert_before(self.graph, first, node)
        return result

    def _renumber(self, node: Node) -> None:
        """Arguments that name axes, permutations, and target shapes."""
        if node.op == "BiasAdd":
            self._set(node, "format", int(Layout.NHWC if is_image(node.inputs[0]) else Layout.NCHW))
        elif node.op == "Transpose":
            self._renumber_permutation(node)
        elif self.plan.works_last(node):
            lite = LITE_OPS[node.op]
            if lite.is_linear:
                shape = permuted(node.outputs[0].type.shape or (), TO_NHWC)
                set_input(node, 1, constant(f"{node.name}/shape", np.array(shape, np.int32)))
            else:
                move(node, lite)

    def _renumber_permutation(self, node: Node) -> None:
        """The permutation between the stored axes."""
        perm = permutation(node)
        if perm is None:
            return
        wanted = self.plan.wants_last(node, 0)
        stored = self.plan.is_last(node.inputs[0]) if wanted is None else wanted
        now = composed(perm, last_in=stored, last_out=self.plan.is_last(node.outputs[0]))
        if now != perm:
            set_input(node, 1, constant(f"{node.name}/perm", np.array(now, np.int32)))

    def _merge_transposes(self) -> None:
        """Two Transposes in a row become one, where nobody else reads what stands between them."""
        for node in [node for node in self.graph.nodes if node.op == "Transpose"]:
            before = node.inputs[0].producer
            first, second = permutation(before) if before is not None else None, permutation(node)
            if before is None or before.op != "Transpose" or first is None or second is None:
                continue
            is_output = any(value is node.inputs[0] for value in self.graph.outputs)
            if is_output or len(node.inputs[0].users) > 1:
                continue
            merged = permuted(first, second)
            argument = constant(f"{node.name}/perm", np.array(merged, np.int32))
            wire(node, [before.inputs[0], argument])
            remove(self.graph, [before])

    def _drop_identities(self) -> None:
        """A Transpose that no longer moves anything: its readers read what it reads."""
        outputs = {id(value) for value in self.graph.outputs}
        for node in [node for node in self.graph.nodes if node.op == "Transpose"]:
            source, result = node.inputs[0], node.outputs[0]
            if permutation(node) != tuple(range(RANK)) or (source.producer is None and id(result) in outputs):
                continue
            if source.producer is not None and result.layout is not Layout.NCHW:
                source.layout = result.layout
            replace_uses(self.graph, result, source)
            remove(self.graph, [node])
            self.changed = True

    def _set(self, node: Node, name: str, value: int) -> None:
        """Set an attribute."""
        self.changed |= node.attrs.get(name) != value
        node.attrs[name] = value

    def _relabel(self, value: Value) -> None:
        """Give a value its channels-last type; a constant becomes a transposed view."""
        self.changed = True
        value.type = TensorType(value.type.dtype, permuted(value.type.shape or (), TO_NHWC))
        value.layout = Layout.NHWC
        if value.const is not None:
            value.const = _transposed(value)
            value.layout = Layout.KHWC if _is_kernel(value) else Layout.NHWC
        elif value.producer is None and self.graph is self.model.main:
            message = f"input {value.name!r} is fed as NHWC {list(value.type.shape or ())}, in MindIR it is NCHW"
            self.model.notes.append(Note("layout", message))


def _is_kernel(value: Value) -> bool:
    """Whether a constant is a convolution's kernel, or a slot of one, rather than an image."""
    return any(
        each is value and index in (*LITE_OPS[node.op].kernels, *LITE_OPS[node.op].writes)
        for node in value.users
        for index, each in enumerate(node.inputs)
    )


def _transposed(value: Value) -> TransposedTensor | ArrayTensor:
    """A view of a constant with its axes moved."""
    if value.const is None:
        message = f"{value.name!r} is no constant"
        raise ValueError(message)
    return TransposedTensor(value.const, TO_NHWC)
