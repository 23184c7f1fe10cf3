"""Memory of one training step (or one inference), by the device's order and reference counts.

The device runs nodes in its own order (schedule.py) and keeps a result until its last reader has run; results that
are graph outputs stay. The plan adds up what is alive, node by node. It is a lower bound: the device places tensors in
one arena, whose gaps come on top; kernels have workspaces; reuse in place is not counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir import DType
from converter.ops.lite_ops import LITE_OPS, OPTIMIZERS
from converter.reference.schedule import execution_order

if TYPE_CHECKING:
    from converter.ir import Graph, Node, Value

_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Step:
    """One node of the plan: bytes of its results, and bytes alive while it runs."""

    node: Node
    made: int
    alive: int


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes by kind. `weights` are trained, `slots` the optimizers' own variables, `constants` everything else."""

    weights: int
    slots: int
    constants: int
    inputs: int
    steps: tuple[Step, ...]

    @property
    def peak(self) -> Step | None:
        """The node that runs with the most activation bytes alive; None for an empty graph."""
        return max(self.steps, key=lambda step: step.alive, default=None)


def plan_memory(graph: Graph) -> MemoryPlan:
    """Plan one graph with static shapes. Raises `ValueError` when a shape is not known."""
    weights, slots = _variables(graph)
    variables = weights | slots
    constants = [value for value in graph.constants() if id(value) not in variables]
    by_id = {id(value): value for value in graph.constants()}
    return MemoryPlan(
        weights=sum(size_of(by_id[key]) for key in weights),
        slots=sum(size_of(by_id[key]) for key in slots),
        constants=sum(size_of(value) for value in constants),
        inputs=sum(size_of(value) for value in graph.inputs),
        steps=_walk(graph),
    )


def size_of(value: Value) -> int:
    """Bytes of a value in the device's memory, where quantized weights and float16 constants are float32."""
    is_widened = value.quant or (value.is_const and value.type.dtype is DType.FLOAT16)
    return value.type.size * (_FLOAT_BYTES if is_widened else value.type.dtype.itemsize)


def _variables(graph: Graph) -> tuple[set[int], set[int]]:
    """Identities of trained weights, and of everything else that some node writes."""
    weights: set[int] = set()
    written: set[int] = set()
    for node in graph.nodes:
        places = LITE_OPS[node.op].writes if node.op in LITE_OPS else ()
        written.update(id(node.inputs[place]) for place in places if node.inputs[place].const is not None)
        if node.op in OPTIMIZERS:
            weights.add(id(node.inputs[0]))
    return weights & written, written - weights


def _walk(graph: Graph) -> tuple[Step, ...]:
    """Follow the device: allocate a node's results, run it, release what it was the last to read."""
    order = execution_order(graph)
    readers = Counter(id(value) for node in order for value in node.inputs)
    readers.update(id(value) for value in graph.outputs)
    alive = 0
    steps: list[Step] = []
    for node in order:
        made = sum(size_of(value) for value in node.outputs)
        alive += made
        steps.append(Step(node, made, alive))
        for value in node.inputs:
            readers[id(value)] -= 1
            if not readers[id(value)] and value.producer is not None:
                alive -= size_of(value)
        alive -= sum(size_of(value) for value in node.outputs if not readers[id(value)])
    return tuple(steps)
