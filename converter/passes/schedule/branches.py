"""The last touch to graphs that other graphs call, as the device wants them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Value
from converter.ops.context import constant
from converter.ops.lite_fields import lite_node

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node

_MADE_BY = "finish-branches"


def finish_branches(model: Model) -> bool:
    """Let a node of each graph make its results, behind all calls in it; mark the calls that a graph ends with."""
    changed = False
    callers = {id(graph): node for each in model.graphs for node in each.nodes for graph in node.graphs}
    for graph in model.graphs:
        last = _last_call(graph)
        if last is None:
            changed |= _separate_results(graph, callers.get(id(graph)))
        elif not last.attrs["is_tail_call"]:
            last.attrs["is_tail_call"] = True
            changed = True
    return changed


def _last_call(graph: Graph) -> Node | None:
    """The call whose results are those of the graph."""
    made = graph.outputs[0].producer if graph.outputs else None
    return made if made is not None and made.op == "Call" and list(made.outputs) == graph.outputs else None


def _separate_results(graph: Graph, caller: Node | None) -> bool:
    """Copy results that the graph is given, that are constants, or that stand twice among the results.

    The device cuts a graph into two behind a call; what the first part makes is no result of the second. And a result
    that a node of a called graph reads, too, is lost (measured with runtime 2.0.0: all zeros).
    """
    calls = [index for index, node in enumerate(graph.nodes) if node.op == "Call"]
    late = graph.nodes[calls[-1] + 1 :] if calls else graph.nodes
    made = {id(value) for node in late for value in node.outputs if caller is None or not value.users}
    times = Counter(id(value) for value in graph.outputs)
    changed = False
    for place, value in enumerate(list(graph.outputs)):
        if id(value) in made and times[id(value)] == 1:
            continue
        origin = value.producer or caller or next(iter(graph.nodes), None)
        if origin is not None:
            graph.outputs[place] = _copied(graph, origin, value, place)
            changed = True
    return changed


def _copied(graph: Graph, like: Node, value: Value, place: int) -> Value:
    """A copy of a value: a Cast to the type that it has."""
    name = f"{value.name}_result_{place}"
    origin = like.origin.derived(_MADE_BY)
    kind = constant("", np.array(int(value.type.dtype), np.int32))
    result = Value(name, value.type, layout=value.layout)
    graph.nodes.append(lite_node("Cast", name, origin, [value, kind], [result]))
    return result
