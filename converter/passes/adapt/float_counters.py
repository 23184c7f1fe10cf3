"""Step counters and other integers that the model updates, kept as float32.

The device stores float32 only: Assign has no other kernel. So an integer variable becomes float32, exact up to 2**24,
and with it the arithmetic on it, as far as that gives the same numbers; other readers get it cast back. Copies of
variables (TensorMove) disappear: their readers read the variable itself, at the time of the copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import ArrayTensor, DType, Literal, Node, Note, TensorType, Value
from converter.ir.editing import insert_before, remove, replace_uses, set_input, wire
from converter.ops.context import constant, literal_of
from converter.passes.normalize.side_effects import written

if TYPE_CHECKING:
    from converter.ir import Graph, Model

_MADE_BY = "keep-counters-as-float"
_ASSIGNMENTS = frozenset({"Assign", "AssignAdd", "AssignSub"})
# The same numbers come out in float32; the operands of comparisons may be floats, their results are not.
_EXACT = frozenset({"Add", "Sub", "Mul", "Minimum", "Maximum", "Select", "Squeeze", "Reshape", "ExpandDims"})
_COMPARISONS = frozenset({"Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"})
# Operators whose adapters take a float32 counter.
_EITHER = frozenset({"Lamb"})
_EXACT_BELOW = 1 << 24


def keep_counters_as_float(model: Model) -> bool:
    """Turn integer variables into float32 ones, with what is computed from them."""
    changed = False
    for graph in model.graphs:
        copies = [node for node in graph.nodes if node.op == "TensorMove"]
        for node in copies:
            _read_at_source(graph, node)
        counters = _counters(graph)
        for value in counters:
            _make_float(model, value)
        casts = _follow(graph, {id(value) for value in counters}) if counters else []
        for node in casts:
            _read_at_source(graph, node)
        changed |= bool(copies or counters)
    return changed


def _counters(graph: Graph) -> list[Value]:
    """Integer variables that the graph writes."""
    found = {id(v): v for node in graph.nodes if node.op in _ASSIGNMENTS for v in written(node)}
    return [value for value in found.values() if value.const is not None and value.type.dtype is DType.INT32]


def _make_float(model: Model, value: Value) -> None:
    """The variable itself."""
    if value.const is None:
        return
    numbers = value.const.array()
    if numbers.size and np.abs(numbers).max() >= _EXACT_BELOW:
        message = f"{value.name!r} holds integers above 2**24, which float32 does not tell apart"
        model.notes.append(Note("warning", message))
    value.const = ArrayTensor.of(numbers.astype(np.float32))
    value.type = value.const.type
    model.notes.append(Note("type", f"counter {value.name!r} is kept as float32 instead of int32"))


def _follow(graph: Graph, floats: set[int]) -> list[Node]:
    """Let what is computed from counters be float32 too, in the order of the data; returns Casts without effect."""
    casts: list[Node] = []
    for node in list(graph.nodes):
        places = [i for i, value in enumerate(node.inputs) if id(value) in floats]
        if node.op in _ASSIGNMENTS and places and places[0] == 0:
            if id(node.inputs[1]) not in floats:
                set_input(node, 1, _as_float(graph, node, node.inputs[1]))
            node.outputs[0].type = TensorType(DType.FLOAT32, node.outputs[0].type.shape)
        elif node.op in _EITHER or not places:
            continue
        elif node.op == "Cast" and _target(node) is DType.FLOAT32:
            casts.append(node)
        elif node.op in _EXACT | _COMPARISONS and _can_follow(node, floats):
            _turn(graph, node, floats)
        else:
            for place in places:
                set_input(node, place, _cast(graph, node, node.inputs[place], DType.INT32))
    return casts


def _target(node: Node) -> DType | None:
    found = literal_of(node.inputs[1]) if len(node.inputs) > 1 else None
    return DType(found) if isinstance(found, int) and found in DType.__members__.values() else None


def _can_follow(node: Node, floats: set[int]) -> bool:
    """Whether every integer operand is a counter or a constant."""
    return all(
        id(value) in floats or value.is_const or value.type.dtype is not DType.INT32 for value in _numbers_of(node)
    )


def _numbers_of(node: Node) -> tuple[Value, ...]:
    """The operands that are computed with; shapes and axes are not among them."""
    return node.inputs[:1] if node.op in ("Squeeze", "Reshape", "ExpandDims") else node.inputs


def _turn(graph: Graph, node: Node, floats: set[int]) -> None:
    """One operator from integers to float32."""
    for place, value in enumerate(_numbers_of(node)):
        is_integer = value.type.dtype is DType.INT32 or value.literal is not None
        if id(value) not in floats and value.is_const and is_integer:
            set_input(node, place, _as_float(graph, node, value))
    if node.op in _EXACT and node.outputs[0].type.dtype is DType.INT32:
        node.outputs[0].type = TensorType(DType.FLOAT32, node.outputs[0].type.shape)
        floats.add(id(node.outputs[0]))


def _as_float(graph: Graph, node: Node, value: Value) -> Value:
    """A constant as float32, anything else cast."""
    if value.const is not None:
        return constant(value.name, value.const.array().astype(np.float32))
    if value.literal is not None:
        return constant(value.name, np.asarray(value.literal.value, np.float32))
    return value if value.type.dtype is DType.FLOAT32 else _cast(graph, node, value, DType.FLOAT32)


def _cast(graph: Graph, node: Node, value: Value, dtype: DType) -> Value:
    """A MindIR Cast in front of the node, which waits for the same."""
    name = f"{node.name}/as_{dtype.name.lower()}"
    target = Value("", TensorType(DType.INT32, ()), literal=Literal(int(dtype)))
    cast = Node("Cast", name, node.origin.derived(_MADE_BY), after=node.after)
    wire(cast, [value, target], [Value(name, TensorType(dtype, value.type.shape))])
    insert_before(graph, node, cast)
    for writer in graph.nodes:
        if node in writer.after and any(each is value for each in written(writer)):
            writer.after = (*writer.after, cast)
    return cast.outputs[0]


def _read_at_source(graph: Graph, node: Node) -> None:
    """Let the readers of a node that changes nothing read its input, in the same order against its writers."""
    source, readers = node.inputs[0], list(dict.fromkeys(node.outputs[0].users))
    writers = [each for each in graph.nodes if any(value is source for value in written(each))]
    for writer in writers:
        if node in writer.after:
            writer.after = (*writer.after, *(each for each in readers if each is not writer))
    for reader in readers:
        reader.after = tuple(dict.fromkeys((*reader.after, *(each for each in node.after if each is not reader))))
    replace_uses(graph, node.outputs[0], source)
    remove(graph, [node])
