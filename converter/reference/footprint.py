"""What a session needs of the device: RAM for one step, and the inputs that only training reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.ir import Graph
from converter.ops.lite_ops import OPTIMIZERS
from converter.reference.memory import plan_memory, size_of
from converter.reference.roles import roles

if TYPE_CHECKING:
    from converter.ir import Model, Value
    from converter.reference.roles import Roles


@dataclass(frozen=True)
class Footprint:
    """Bytes of RAM: of all constants, and in all for one step. None: not known, or (`training`) nothing is trained."""

    labels: tuple[Value, ...] = ()
    constants: int = 0
    inference: int | None = None
    training: int | None = None


def footprint(model: Model) -> Footprint:
    """Plan the main graph; a model of several graphs runs them in an order that only the device decides."""
    graph = model.main
    lists = roles(graph)
    trains = any(node.op in OPTIMIZERS for node in graph.nodes)
    labels = _labels(graph, lists) if trains else ()
    values = [*graph.inputs, *graph.constants(), *(value for node in graph.nodes for value in node.outputs)]
    if len(model.graphs) > 1 or not all(value.type.is_static for value in values):
        return Footprint(labels)
    constants = sum(size_of(value) for value in graph.constants())
    inputs = sum(size_of(value) for value in graph.inputs)
    evaluated = _evaluated(graph, lists, labels) if trains else graph
    fed = sum(size_of(value) for value in evaluated.inputs)
    training = constants + inputs + _peak(graph) if trains else None
    # A training session keeps all its constants, the optimizers' own too, while it only predicts.
    return Footprint(labels, constants, constants + fed + _peak(evaluated), training)


def _labels(graph: Graph, lists: Roles) -> tuple[Value, ...]:
    """Inputs that the prediction of a trainable model does not read."""
    read = {id(value) for node in lists.eval_order for value in node.inputs}
    return tuple(value for value in graph.inputs if id(value) not in read)


def _evaluated(graph: Graph, lists: Roles, labels: tuple[Value, ...]) -> Graph:
    """The part of a trainable graph that predicts."""
    inputs = [value for value in graph.inputs if value not in labels]
    return Graph(graph.name, inputs, list(lists.eval_outputs), list(lists.eval_order))


def _peak(graph: Graph) -> int:
    peak = plan_memory(graph).peak
    return 0 if peak is None else peak.alive
