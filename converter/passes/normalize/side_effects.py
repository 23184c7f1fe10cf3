"""Order of side effects: from tokens to edges between those who read and those who write a variable.

MindIR threads a token through every side effect; the device has none. What remains of the tokens are the orders that
matter: a node that reads a variable V in the state S comes after the writers of V in S and before its other writers.
`Load` disappears: its readers read the variable itself, at the state where it was loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.ir.editing import remove, replace_uses
from converter.ops.rules import RULES

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node, Value


def order_side_effects(model: Model) -> bool:
    """Replace side-effect tokens and Loads by `after` edges between readers and writers of the same variable."""
    before = [_wiring(graph) for graph in model.graphs]
    for graph in model.graphs:
        _order(graph)
    return before != [_wiring(graph) for graph in model.graphs]


def _wiring(graph: Graph) -> list[tuple[int, ...]]:
    """What the pass may change of a graph: its nodes, what they read, and what they come after."""
    return [(id(node), *map(id, (*node.inputs, *node.after))) for node in graph.nodes]


@dataclass
class _Reads:
    """Readers of one variable, each with the set of effects (a bit per node) that it must see."""

    readers: list[tuple[Node, int]] = field(default_factory=list)
    writers: list[Node] = field(default_factory=list)


def _order(graph: Graph) -> None:
    """One graph."""
    bits = {id(node): 1 << index for index, node in enumerate(graph.nodes) if written(node)}
    states = _states(graph, bits)
    variables: dict[int, _Reads] = {}
    for node in graph.nodes:
        for value in written(node):
            variables.setdefault(id(value), _Reads()).writers.append(node)
    loads = [node for node in graph.nodes if node.op == "Load"]
    for node in graph.nodes:
        if node.op != "Load":
            _note_reads(node, states, variables)
    for load in loads:
        replace_uses(graph, load.outputs[0], load.inputs[0])
    _redirect_results(graph, states, bits, variables)
    for node in graph.nodes:
        node.after = ()
    for reads in variables.values():
        _add_edges(reads, states, bits)
    remove(graph, loads)


def written(node: Node) -> list[Value]:
    """Variables that a MindIR operator updates in place."""
    rule = RULES.get(node.op)
    if rule is None or (rule.writes_if and not node.attrs.get(rule.writes_if)):
        return []
    return [node.inputs[index] for index in rule.writes if index < len(node.inputs)]


def _states(graph: Graph, bits: dict[int, int]) -> dict[int, int]:
    """For each node the effects before it: the transitive closure of `after`, as bits."""
    states: dict[int, int] = {}
    for node in graph.nodes:
        state = 0
        for earlier in node.after:
            state |= states.get(id(earlier), 0) | bits.get(id(earlier), 0)
        states[id(node)] = state
    return states


def _note_reads(node: Node, states: dict[int, int], variables: dict[int, _Reads]) -> None:
    """Which variables the node reads, and in which state."""
    for value in node.inputs:
        producer = value.producer
        if producer is not None and producer.op == "Load":
            variable, state = producer.inputs[0], states[id(producer)]
        else:
            variable, state = value, states[id(node)]
        if id(variable) in variables:
            variables[id(variable)].readers.append((node, state))


def _redirect_results(graph: Graph, states: dict[int, int], bits: dict[int, int], variables: dict[int, _Reads]) -> None:
    """Readers of Assign's result read the variable after it: on the device the result itself is never written."""
    for node in graph.nodes:
        targets = written(node)
        if not targets or node.op not in ("Assign", "AssignAdd", "AssignSub") or not node.outputs[0].users:
            continue
        state = states[id(node)] | bits[id(node)]
        variables[id(targets[0])].readers += [(user, state) for user in dict.fromkeys(node.outputs[0].users)]
        replace_uses(graph, node.outputs[0], targets[0])


def _add_edges(reads: _Reads, states: dict[int, int], bits: dict[int, int]) -> None:
    """Edges of one variable; writers are ordered among themselves as their tokens are."""
    for reader, state in reads.readers:
        for writer in reads.writers:
            if writer is reader:
                continue
            if state & bits[id(writer)]:
                reader.after = _with(reader.after, writer)
            elif not (states[id(writer)] & bits.get(id(reader), 0)) or id(reader) not in bits:
                writer.after = _with(writer.after, reader)


def _with(after: tuple[Node, ...], node: Node) -> tuple[Node, ...]:
    return after if any(each is node for each in after) else (*after, node)
