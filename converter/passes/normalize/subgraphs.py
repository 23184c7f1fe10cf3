"""Branches and loops on data as graphs of their own, which the device calls; for models that it does not train.

A branch is the graph that its nodes make. A loop is a graph that calls itself: which graphs do is found while the model
is run, and each find starts the run again. What every call of a loop passes alike, weights above all, is part of the
loop; that, too, is assumed until a call passes something else. Values of the outside are read as they are here;
`closures.py` makes them inputs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from converter.errors import ConversionError
from converter.ir import DType, Graph, Node, TensorType, Value
from converter.ir.editing import wire
from converter.ops.context import constant, literal_array, problem_at
from converter.passes.normalize.functions import Choice, Closure, Result
from converter.passes.normalize.making import MADE_BY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.passes.normalize.functions import Operand, Tail
    from converter.passes.normalize.inlining import Inliner
    from converter.passes.normalize.stores import Store

_FUNCTION = TensorType(DType.FLOAT32, ())
# A graph of so few nodes is copied rather than called.
_FEW = 3


class RunAgainError(Exception):
    """Something has been found out about a loop that the graphs made so far do not know."""


@dataclass
class Side:
    """One branch of a choice on data: its nodes, how it ends, and what it assigned."""

    nodes: list[Node]
    end: Result | Tail
    stored: dict[int, Store]


@dataclass
class Loop:
    """A graph made of one that calls itself. `fixed` are the arguments that every call passes; None is an input."""

    graph: Graph
    fixed: tuple[Operand | None, ...]
    results: tuple[TensorType, ...]
    is_open: bool = True


@dataclass
class Loops:
    """What is known about loops, over all runs, and what has been made of them in the present one."""

    made: dict[int, Loop] = field(default_factory=dict)
    _known: dict[int, Graph] = field(default_factory=dict)
    _shared: set[int] = field(default_factory=set)
    _apart: set[int] = field(default_factory=set)
    _ends: Counter[int] = field(default_factory=Counter)
    _varying: set[tuple[int, int]] = field(default_factory=set)

    def is_loop(self, graph: Graph) -> bool:
        """Whether a graph of MindIR calls itself, as far as is known."""
        return id(graph) in self._known

    def found(self, graph: Graph) -> None:
        """Note that a graph calls itself depending on data. Raises `RunAgainError`."""
        self._known[id(graph)] = graph
        raise RunAgainError

    def note_end(self, graph: Graph) -> None:
        """Note that a branch goes on with a graph: where several do, it is made once. Raises `RunAgainError`."""
        self._ends[id(graph)] += 1
        if self._ends[id(graph)] > 1 and len(graph.nodes) > _FEW and id(graph) not in self._apart | self._known.keys():
            self._shared.add(id(graph))
            self.found(graph)

    def enter(self) -> tuple[dict[int, Loop], Counter[int]]:
        """Begin a call behind which its graph goes on: what is made inside goes on there, and nowhere else."""
        outside = self.made, self._ends
        self.made, self._ends = {key: loop for key, loop in self.made.items() if loop.is_open}, Counter()
        return outside

    def leave(self, outside: tuple[dict[int, Loop], Counter[int]]) -> None:
        """End such a call."""
        self.made, self._ends = outside

    def again(self) -> None:
        """Forget what has been made."""
        self.made, self._ends = {}, Counter()

    def begin(self, graph: Graph, arguments: Sequence[Operand]) -> tuple[Loop, tuple[Operand, ...]]:
        """A new loop, and what its parameters stand for inside."""
        fixed = tuple(
            None if _is_computed(operand) or (id(graph), index) in self._varying else operand
            for index, operand in enumerate(arguments)
        )
        inputs = tuple(
            Value(value.name, value.type) if operand is None else operand
            for value, operand in zip(graph.inputs, fixed, strict=True)
        )
        made = [each for each, operand in zip(inputs, fixed, strict=True) if operand is None]
        copy = Graph(graph.name, [value for value in made if isinstance(value, Value)])
        loop = Loop(copy, fixed, tuple(value.type for value in graph.outputs))
        self.made[id(graph)] = loop
        return loop, inputs

    def finish(self, node: Node, loop: Loop, result: Result) -> None:
        """Give a loop the results that running it once more has."""
        loop.is_open = False
        outputs = [each for each in result.outputs[: len(loop.results)] if isinstance(each, Value)]
        if len(outputs) < len(loop.results):
            message = "a loop on data makes functions, which cannot be converted"
            raise ConversionError([problem_at(node, "E206", message)])
        loop.graph.outputs[:] = [_tensor(value, kind.dtype) for value, kind in zip(outputs, loop.results, strict=True)]

    def call(self, inliner: Inliner, node: Node, graph: Graph, arguments: Sequence[Operand]) -> Result:
        """A call of a loop. Raises `RunAgainError` when it passes another value for what has not varied until now."""
        loop = self.made[id(graph)]
        inputs: list[Value] = []
        for index, (operand, fixed) in enumerate(zip(arguments, loop.fixed, strict=True)):
            if fixed is None:
                inputs.append(_input(node, operand, graph.inputs[index].type))
            elif not _same(operand, fixed):
                self._vary(graph, index, operand)
        function = _add(inliner, "Partial", node, inputs, [_FUNCTION], (loop.graph,))
        return Result(tuple(_add(inliner, "call", node, function, loop.results)), ())

    def _vary(self, graph: Graph, index: int, operand: Operand) -> NoReturn:
        """Note that not all calls pass the same; a graph that is no loop is copied where they pass functions."""
        if isinstance(operand, Value) or id(graph) not in self._shared:
            self._varying.add((id(graph), index))
        else:
            self._shared.discard(id(graph))
            self._apart.add(id(graph))
            del self._known[id(graph)]
        raise RunAgainError


def branch(
    inliner: Inliner, node: Node, condition: Value, sides: Sequence[Side], pairs: Sequence[tuple[Operand, Operand]]
) -> tuple[Operand, ...]:
    """A choice between two graphs; the operands that stand for each pair of results behind it.

    What both make alike need not be a result, unless the choice is the end of its graph: then all results are.
    """
    is_end = all(isinstance(side.end, Result) for side in sides)
    is_kept = [_same(*pair) and not (is_end and isinstance(pair[0], Value)) for pair in pairs]
    if all(_same(*pair) for pair in pairs):
        return tuple(pair[0] for pair in pairs)
    differing = [pair for pair, kept in zip(pairs, is_kept, strict=True) if not kept]
    graphs = [Graph("", nodes=side.nodes) for side in sides]
    kinds: list[TensorType] = []
    for pair in differing:
        values = _tensors(pair)
        kinds.append(_joined(node, values[0].type, values[1].type))
        for graph, value in zip(graphs, values, strict=True):
            graph.outputs.append(value)
    functions = [_add(inliner, "Partial", node, (), [_FUNCTION], (graph,))[0] for graph in graphs]
    picked = _add(inliner, "Switch", node, [_truth(inliner, node, condition), *functions], [_FUNCTION])
    results = iter(_add(inliner, "call", node, picked, kinds))
    return tuple(pair[0] if kept else next(results) for pair, kept in zip(pairs, is_kept, strict=True))


def makes_tensors(pairs: Sequence[tuple[Operand, Operand]]) -> bool:
    """Whether the results in which branches differ are tensors, not functions."""
    return all(_same(*pair) or all(isinstance(each, Value) for each in pair) for pair in pairs)


def _add(
    inliner: Inliner,
    op: str,
    like: Node,
    inputs: Sequence[Value],
    kinds: Sequence[TensorType],
    graphs: tuple[Graph, ...] = (),
) -> list[Value]:
    """A node for a call, named after the node of MindIR that calls."""
    name = like.name if op == "call" else f"{like.name}/{op}"
    node = Node(op, name, like.origin.derived(MADE_BY), graphs=graphs)
    names = [name] if len(kinds) == 1 else [f"{name}/output-{index}" for index in range(len(kinds))]
    outputs = [Value(each, kind) for each, kind in zip(names, kinds, strict=True)]
    inliner.place(wire(node, inputs, outputs))
    return outputs


def _truth(inliner: Inliner, node: Node, condition: Value) -> Value:
    """The condition as a bool, which is what the device asks for."""
    if condition.type.dtype is DType.BOOL:
        return condition
    zero = constant("", np.zeros((), condition.type.dtype.numpy))
    return _add(inliner, "NotEqual", node, [condition, zero], [TensorType(DType.BOOL, condition.type.shape)])[0]


def equals(inliner: Inliner, node: Node, value: Value, number: int) -> Value:
    """Whether a number of the graph is another."""
    other = constant("", np.array(number, value.type.dtype.numpy))
    return _add(inliner, "Equal", node, [value, other], [TensorType(DType.BOOL, value.type.shape)])[0]


def either(inliner: Inliner, node: Node, conditions: Sequence[Value]) -> Value:
    """Whether one of two conditions holds."""
    return _add(inliner, "LogicalOr", node, conditions, [conditions[0].type])[0]


def _is_computed(operand: Operand) -> bool:
    """Whether an argument is a tensor that the graph computes."""
    return isinstance(operand, Value) and not operand.is_const


def _same(a: Operand, b: Operand) -> bool:
    """Whether two operands are known to stand for the same."""
    if a is b:
        return True
    if isinstance(a, Value) and isinstance(b, Value):
        return _same_constant(a, b)
    if isinstance(a, Closure) and isinstance(b, Closure):
        return a.graph is b.graph and len(a.bound) == len(b.bound) and all(map(_same, a.bound, b.bound))
    if isinstance(a, Choice) and isinstance(b, Choice):
        return a.condition is b.condition and _same(a.then, b.then) and _same(a.otherwise, b.otherwise)
    return False


def _same_constant(a: Value, b: Value) -> bool:
    """Whether two values are the same number, or the same weight."""
    if a.literal is not None:
        return a.literal == b.literal
    if a.const is None or b.const is None or a.type != b.type:
        return False
    return a.const is b.const or (a.const.size == 1 and bool((a.const.array() == b.const.array()).all()))


def _input(node: Node, operand: Operand, kind: TensorType) -> Value:
    """An argument of a loop as a tensor."""
    if isinstance(operand, Value):
        return _tensor(operand, kind.dtype)
    raise ConversionError([problem_at(node, "E206", "a loop on data changes a function, which cannot be converted")])


def _tensors(pair: tuple[Operand, Operand]) -> list[Value]:
    """Two results as tensors; a number that is no tensor takes the type of the other."""
    values = [each for each in pair if isinstance(each, Value)]
    typed = next((value for value in values if value.literal is None), None)
    return [_tensor(value, typed.type.dtype if typed is not None else None) for value in values]


def _tensor(value: Value, dtype: DType | None) -> Value:
    """A value as a tensor: a number or tuple becomes a constant."""
    number = value.literal.value if value.literal is not None else None
    array = literal_array(number)
    if array is None:
        return value
    kind = array.dtype if dtype is None else dtype.numpy
    return constant(value.name, array.reshape(() if not isinstance(number, tuple) else -1).astype(kind))


def _joined(node: Node, a: TensorType, b: TensorType) -> TensorType:
    """What is known of a tensor that is one or the other."""
    if a.dtype is not b.dtype:
        message = f"the branches of a condition on data make {a} and {b}"
        raise ConversionError([problem_at(node, "E206", message, "let both branches make the same element type")])
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return TensorType(a.dtype, None)
    return TensorType(a.dtype, tuple(x if x == y else -1 for x, y in zip(a.shape, b.shape, strict=True)))
