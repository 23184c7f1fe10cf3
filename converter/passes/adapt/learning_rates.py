"""Learning rates that the graph computes: schedules, rates that are variables or inputs of the step.

The device reads the rate of an optimizer once, when it opens the model. Here each computed rate is split into a
constant base and a factor that the gradient is multiplied by. The base is the greatest rate of the schedule, found by
computing the schedule for many steps, so that SetLearningRate scales the whole schedule by its peak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.errors import ConversionError
from converter.ir import Value
from converter.ir.editing import insert_before, set_input
from converter.ops.adapters.schedule_optimizers import RATE_INPUT, SCHEDULED, Rate
from converter.ops.compose import Composer
from converter.ops.context import Context, constant
from converter.ops.lite_fields import lite_node
from converter.passes.adapt.stored_values import drop_needless_order
from converter.passes.fold.constants import written_variables
from converter.passes.normalize.dead_code import remove_dead_code
from converter.reference.call import Call

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node
    from converter.reference.call import Array, Kernel

_MADE_BY = "compose-learning-rates"
_PROBES = (*range(65), *(1 << power for power in range(7, 21)))


def compose_learning_rates(model: Model) -> bool:
    """Split every learning rate that is not constant into a constant base and a factor in the gradient."""
    changed = False
    for graph in model.graphs:
        groups = _groups(graph)
        context = Context(model, graph, is_training=True)
        for index, (rate, nodes) in enumerate(groups):
            _compose(context, rate, nodes, "base_learning_rate" + (f"_{index}" if index else ""))
        context.finish()
        drop_needless_order(graph)
        changed |= bool(groups)
    if changed:
        remove_dead_code(model)
    return changed


def _groups(graph: Graph) -> list[tuple[Value, list[Node]]]:
    """Rates that are computed or stored, each with its optimizers."""
    variables = written_variables(graph)
    groups: dict[int, tuple[Value, list[Node]]] = {}
    for node in graph.nodes:
        if node.op in RATE_INPUT:
            rate = node.inputs[RATE_INPUT[node.op]]
            if rate.const is None or id(rate) in variables:
                groups.setdefault(id(rate), (rate, []))[1].append(node)
    return list(groups.values())


def _compose(context: Context, rate: Value, nodes: list[Node], name: str) -> None:
    """All optimizers that share one rate."""
    sources = _ancestors(context.graph, rate)
    for node in sources:
        if node.op == "Gather" and node.inputs[0].const is not None:
            _hold_last(context, node)
    base = _peak(context.graph, rate)
    factor = _factor(context, rate, base, nodes)
    split = Rate(constant(name, np.array(base, np.float32)), factor)
    for node in nodes:
        SCHEDULED[node.op](context, node, split)
    message = (
        f"the learning rate changes from step to step: SetLearningRate sets its peak, {base:g} in this file, "
        "and scales the whole schedule"
    )
    context.note("training", message, nodes[0])


def _factor(context: Context, rate: Value, base: float, nodes: list[Node]) -> Value:
    """`rate / base`, by dividing a constant of the schedule where one is at hand."""
    source, readers = rate, {id(node) for node in nodes}
    while source.producer is not None and source.producer.op == "Reshape" and source.type.size == 1:
        if any(id(user) not in readers for user in source.users):
            break
        readers = {id(source.producer)}
        source = source.producer.inputs[0]
    if base == 1.0:
        return source
    maker = source.producer
    if maker is not None and not any(id(user) not in readers for user in source.users):
        place = {"Gather": 0, "MulFusion": next((i for i, v in enumerate(maker.inputs) if _is_fixed(context, v)), -1)}
        index = place.get(maker.op, -1)
        if index >= 0 and _is_fixed(context, maker.inputs[index]):
            return _divided(maker, index, base)
    build = Composer(context, nodes[0])
    quotient = build.div(source, base)
    made = build.made[-1]
    build.insert()
    for writer in context.graph.nodes:
        if any(node in nodes for node in writer.after) and writer not in nodes:
            writer.after = (*writer.after, made)
    return quotient


def _is_fixed(context: Context, value: Value) -> bool:
    return value.const is not None and id(value) not in written_variables(context.graph)


def _divided(maker: Node, index: int, base: float) -> Value:
    """The maker's result over the base: its constant is divided, or left out where nothing of it remains."""
    table = maker.inputs[index]
    numbers = np.asarray(table.const.array() if table.const is not None else 0.0, np.float32) / np.float32(base)
    other = maker.inputs[1 - index]
    if maker.op == "MulFusion" and numbers.size == 1 and numbers.reshape(-1)[0] == 1.0 and other.type.is_static:
        return other
    set_input(maker, index, constant(f"{table.name}_over_base", numbers.astype(np.float32)))
    return maker.outputs[0]


def _hold_last(context: Context, gather: Node) -> None:
    """Beyond the end of a table the last rate stays; MindSpore stops there."""
    table, index = gather.inputs[0], gather.inputs[1]
    if table.type.rank != 1 or index.const is not None:
        return
    place = index.producer if index.producer is not None and index.producer.op == "Cast" else gather
    at = 0 if place is not gather else 1
    value = place.inputs[at]
    last = constant("", np.array(table.type.size - 1, value.type.dtype.numpy))
    name = f"{gather.name}/last"
    node = lite_node("Minimum", name, gather.origin.derived(_MADE_BY), [value, last], [Value(name, value.type)])
    node.after = place.after
    set_input(place, at, node.outputs[0])
    insert_before(context.graph, place, node)
    for writer in context.graph.nodes:
        if place in writer.after:
            writer.after = (*writer.after, node)


# -- the peak of a schedule -------------------------------------------------------------------------------------------


def _ancestors(graph: Graph, value: Value) -> list[Node]:
    """The nodes that a value is computed from, in the order of the graph."""
    found: set[int] = set()
    pending = [value]
    while pending:
        node = pending.pop().producer
        if node is not None and id(node) not in found:
            found.add(id(node))
            pending.extend(node.inputs)
    return [node for node in graph.nodes if id(node) in found]


def _peak(graph: Graph, rate: Value) -> float:
    """The greatest rate of the first steps and some later ones; 1 when the rate depends on more than steps."""
    from converter.reference.kernels import KERNELS  # noqa: PLC0415 - 30 modules that few models need

    nodes = _ancestors(graph, rate)
    leaves = {id(v): v for node in nodes for v in node.inputs if v.producer is None} or {id(rate): rate}
    if any(value.const is None for value in leaves.values()) or any(node.op not in KERNELS for node in nodes):
        return 1.0
    rows = [table.type.size for node in nodes if node.op == "Gather" for table in node.inputs[:1]]
    steps = range(max(rows)) if rows else _PROBES
    start = {key: value.const.array() for key, value in leaves.items() if value.const is not None}
    counters = [value for value in leaves.values() if _counts(value)]
    calls = [(node, KERNELS[node.op]) for node in nodes]
    found = [_rate_at(calls, rate, start, counters, step) for step in (steps if counters else range(1))]
    peak = max((each for each in found if np.isfinite(each)), default=0.0)
    return peak if peak > 0.0 else 1.0


def _counts(value: Value) -> bool:
    """Whether a variable is stored as itself plus a constant."""
    stores = [user for user in value.users if user.op == "Assign" and user.inputs[0] is value]
    makers = [store.inputs[1].producer for store in stores]
    return any(
        maker is not None
        and maker.op == "AddFusion"
        and any(each is value for each in maker.inputs)
        and all(each.const is not None for each in maker.inputs)
        for maker in makers
    )


def _rate_at(
    nodes: list[tuple[Node, Kernel]], rate: Value, start: dict[int, Array], counters: list[Value], step: int
) -> float:
    """The rate after a number of steps; NaN where it cannot be computed."""
    known = dict(start)
    for counter in counters:
        known[id(counter)] = known[id(counter)] + np.float32(step)
    try:
        with np.errstate(all="ignore"):
            for node, kernel in nodes:
                results = kernel(Call(node, tuple(known[id(value)] for value in node.inputs)))
                for output, result in zip(node.outputs, results, strict=True):
                    if result is not None:
                        known[id(output)] = result
    except ConversionError:
        return float("nan")
    return float(known[id(rate)].reshape(-1)[0])
