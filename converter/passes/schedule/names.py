"""Names: unique and not empty. The device finds its way by the names of nodes and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir import Model, Value


def name_everything(model: Model) -> bool:
    """Give every node and tensor a name of its own; names that are unique already stay as MindSpore wrote them."""
    changed = False
    nodes: set[str] = set()
    for graph in model.graphs:
        for node in graph.nodes:
            name = unique(node.name or node.op, nodes)
            changed |= name != node.name
            node.name = name
    values: set[str] = set()
    done: set[int] = set()
    for graph in model.graphs:
        parameters = [value for node in graph.nodes for value in node.inputs if value.const is not None and value.name]
        # Graph inputs and parameters first, then results: their names are the user's.
        for value in [*graph.inputs, *parameters]:
            changed |= _name(value, value.name, values, done)
        for value, name in zip(graph.outputs, model.wanted.output_names, strict=False):
            if graph is model.main and name:
                changed |= _name(value, name, values, done)
        for node in graph.nodes:
            for index, value in enumerate(node.inputs):
                changed |= _name(value, value.name or f"{node.name}/input-{index}", values, done)
            for index, value in enumerate(node.outputs):
                wanted = node.name if len(node.outputs) == 1 else f"{node.name}/output-{index}"
                # Results of a call are named after what makes them in the end.
                wanted = value.name if node.op == "Call" and value.name else wanted
                changed |= _name(value, wanted, values, done)
    return changed


def _name(value: Value, wanted: str, taken: set[str], done: set[int]) -> bool:
    """Name one value, once."""
    if id(value) in done:
        return False
    done.add(id(value))
    name = unique(wanted, taken)
    changed, value.name = name != value.name, name
    return changed


def unique(wanted: str, taken: set[str]) -> str:
    """The wanted name, or the first free one with a number behind it; it is taken afterwards."""
    name, number = wanted, 1
    while name in taken:
        name = f"{wanted}_{number}"
        number += 1
    taken.add(name)
    return name
