"""Execution of a MindIR with unknown data: every node that would run is made again.

In a model that trains, all nodes come into one graph. In one that does not, a choice on data runs one of two graphs of
their own, and a loop on data is a graph that calls itself (subgraphs.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from converter.errors import ConversionError
from converter.ir import Node, Value
from converter.ops.context import problem_at
from converter.passes.normalize.functions import (
    Call,
    Choice,
    Closure,
    Frame,
    Result,
    Tail,
    common_tails,
    frontier,
    last_call,
    merge,
    picked,
    tail_arguments,
)
from converter.passes.normalize.known_values import computed, truth
from converter.passes.normalize.making import EFFECTS, Maker
from converter.passes.normalize.side_effects import written
from converter.passes.normalize.stores import ASSIGNMENTS, Stores
from converter.passes.normalize.subgraphs import Side, branch, either, equals, makes_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.ir import Graph, Model
    from converter.passes.normalize.functions import Function, Operand
    from converter.passes.normalize.stores import Store
    from converter.passes.normalize.subgraphs import Loops

# A loop that unrolls to more than this is no longer a program for a small device.
_MOST_NODES = 20_000
_MOST_ROUNDS = 10_000


class Inliner(Maker):
    """Makes the nodes of one graph without control flow."""

    def __init__(self, model: Model, loops: Loops | None = None) -> None:
        """Nothing is made yet. With `loops`, branches and loops on data become graphs."""
        super().__init__()
        self.model = model
        self.loops = loops
        self.frames: list[Frame] = []
        self.known: dict[int, Value] = {}
        self.updated: dict[int, Value] = {}
        self.rounds = 0
        self.stores = Stores(self.make_load, self.make_assign)

    def run_main(self) -> list[Value]:
        """The outputs of the model's main graph. Raises `ConversionError` E206."""
        main = self.model.main
        result = self.run(Tail(Closure(main, (), ()), tuple(main.inputs), ()), 0)
        self.stores.flush_all()
        return [each for each in result.outputs if isinstance(each, Value)]

    def run(self, tail: Tail, depth: int, loop: Graph | None = None) -> Result:
        """Run a graph; a call that is the last thing it does goes on here, so that loops need no depth."""
        frame = Frame(depth, [], loop)
        self.frames.append(frame)
        result: Result | Tail = tail
        while isinstance(result, Tail):
            result = self._step(frame, result)
        self.frames.pop()
        return result

    def _run_branch(self, tail: Tail, depth: int) -> Result | Tail:
        """Run a graph up to a call that is the last thing it does."""
        self.frames.append(Frame(depth, []))
        result = self._step(self.frames[-1], tail)
        self.frames.pop()
        return result

    def _step(self, frame: Frame, tail: Tail) -> Result | Tail:
        """Run the nodes of one graph."""
        graph = tail.function.graph
        if self.loops is not None and self.loops.is_loop(graph) and (frame.loop is not graph or frame.graphs):
            return self._call_loop(self.loops, frame, tail)
        self._enter(frame, graph)
        entry = frontier(merge(tail.after, tail.function.after))
        inputs = (*tail.function.bound, *tail.arguments)
        frame.values = {id(old): new for old, new in zip(graph.inputs, inputs, strict=True)}
        frame.effects = {}
        last = last_call(graph)
        for node in graph.nodes if last is None else graph.nodes[:-1]:
            self._node(frame, node, entry)
        if last is not None:
            target, rest = self._target(frame, last)
            after = merge(entry, *frame.effects.values(), self._after(frame, last))
            if isinstance(target, Closure):
                return Tail(target, rest, after)
            end = self._choose(last, target, Call(rest, after, frame.depth))
            if isinstance(end, Tail):
                return end
            self._finish_call(frame, last, end)
        outputs = tuple(self._operand(frame, value) for value in graph.outputs)
        return Result(outputs, frontier(merge(entry, *frame.effects.values())))

    def _enter(self, frame: Frame, graph: Graph) -> None:
        """Refuse a graph that comes back to itself through a choice on data, or without end."""
        self.rounds += 1
        if self.rounds > _MOST_ROUNDS:
            place = graph.nodes[-1]
            message = f"a loop has not ended after {_MOST_ROUNDS} rounds"
            raise ConversionError([problem_at(place, "E206", message, "give the loop fewer rounds")])
        for other in self.frames:
            if any(each is graph for each in other.graphs) and other.depth < frame.depth:
                if self.loops is not None:
                    self.loops.found(graph)
                self._refuse_loop(graph)
        frame.graphs.append(graph)

    def _refuse_loop(self, graph: Graph) -> NoReturn:
        place = next((node for node in graph.nodes if node.op in ("Switch", "switch")), graph.nodes[-1])
        message = "the number of rounds of a loop depends on data, which cannot be converted"
        raise ConversionError([problem_at(place, "E206", message, "give the loop a constant number of rounds")])

    # -- nodes ------------------------------------------------------------------------------------------------------

    def _node(self, frame: Frame, node: Node, entry: tuple[Node, ...]) -> None:
        """Run one node."""
        if node.op in ("Partial", "partial"):
            function, bound = self._target(frame, node)
            after = merge(entry, self._after(frame, node)) if node.after else ()
            frame.values[id(node.outputs[0])] = self._bind(node, function, bound, after)
        elif node.op in ("Switch", "switch"):
            frame.values[id(node.outputs[0])] = self._switch(frame, node)
        elif node.op in ("SwitchLayer", "switch_layer"):
            frame.values[id(node.outputs[0])] = self._switch_layer(frame, node)
        elif node.op == "call":
            self._call(frame, node, entry)
        else:
            self._operator(frame, node, entry)

    def _operator(self, frame: Frame, node: Node, entry: tuple[Node, ...]) -> None:
        """Make an ordinary node again, unless its result is known or an assignment that can wait."""
        inputs = [self._value(node, self._operand(frame, value)) for value in node.inputs]
        result = self._stored(frame, node, inputs, entry) or (
            None if node.op == "Load" else picked(node, inputs) or self._computed(node, inputs)
        )
        if result is not None:
            frame.values[id(node.outputs[0])] = result
            # Who waited for an assignment that waits itself waits for what came before it.
            frame.effects[id(node)] = merge(entry, self._after(frame, node)) if node.after else ()
            return
        has_effect = bool(node.after or node.attrs.get(EFFECTS) or node.op == "Load" or written(node))
        after = merge(entry, self._after(frame, node)) if has_effect else ()
        after = merge(after, self.stores.flush(inputs))
        copy = self.make(node, inputs, after)
        self._check(frame, copy)
        frame.values.update((id(old), new) for old, new in zip(node.outputs, copy.outputs, strict=True))
        if has_effect:
            frame.effects[id(node)] = (copy,)

    def _computed(self, node: Node, inputs: Sequence[Value]) -> Value | None:
        """The result of a node that depends on small constants only."""
        result = computed(node, inputs)
        if result is not None:
            self.known.update((id(value), value) for value in inputs)
        return result

    def _stored(self, frame: Frame, node: Node, inputs: Sequence[Value], entry: tuple[Node, ...]) -> Value | None:
        """The result of reading or assigning a parameter, where the assignment itself can wait."""
        if node.op == "Load":
            return self.stores.read(inputs[0])
        if node.op not in ASSIGNMENTS or (node.op != "Assign" and not frame.depth):
            return None
        after = merge(entry, self._after(frame, node))
        variable, new = inputs[0], self.stores.settled(node, inputs[1], after)
        if node.op != "Assign":
            old = self.stores.current(node, variable, after)
            new = self.add("Add" if node.op == "AssignAdd" else "Sub", node, [old, new], variable.type)
        self._note_update(node, variable)
        self.stores.store(node, variable, new, after)
        return new

    def _check(self, frame: Frame, node: Node) -> None:
        """Refuse updates in branches on data, of what decided about a branch, and too many nodes."""
        targets = written(node)
        if targets and frame.depth:
            message = f"{node.op} updates parameters only when a condition on data holds, which cannot be converted"
            raise ConversionError([problem_at(node, "E206", message, "update parameters unconditionally")])
        for value in targets:
            self._note_update(node, value)
        if len(self.all_made) > _MOST_NODES:
            message = f"unrolled loops make more than {_MOST_NODES} operators"
            raise ConversionError([problem_at(node, "E206", message, "give the loop fewer rounds")])

    def _note_update(self, node: Node, variable: Value) -> None:
        """Refuse the update of a parameter that a condition, taken as constant, depends on."""
        self.updated[id(variable)] = variable
        if self.known.keys() & self.updated.keys():
            message = "a condition depends on a parameter that changes"
            raise ConversionError([problem_at(node, "E206", message, "let constants decide how often a loop runs")])

    # -- functions --------------------------------------------------------------------------------------------------

    def _target(self, frame: Frame, node: Node) -> tuple[Function, tuple[Operand, ...]]:
        """What a call or Partial calls, and with which arguments."""
        operands = tuple(self._operand(frame, value) for value in node.inputs)
        if node.graphs:
            return Closure(node.graphs[0], (), ()), operands
        function = operands[0]
        if isinstance(function, Value):
            raise ConversionError([problem_at(node, "E206", "calls a function that the graph computes")])
        return function, operands[1:]

    def _bind(self, node: Node, function: Function, more: tuple[Operand, ...], after: tuple[Node, ...]) -> Function:
        """A function with more arguments bound."""
        if isinstance(function, Closure):
            return Closure(function.graph, (*function.bound, *more), merge(function.after, after))
        then, otherwise = (self._bind(node, each, more, after) for each in (function.then, function.otherwise))
        return Choice(function.condition, then, otherwise)

    def _switch(self, frame: Frame, node: Node) -> Operand:
        """The function, or value, that a condition picks."""
        condition, then, otherwise = (self._operand(frame, value) for value in node.inputs)
        if not isinstance(condition, Value):
            raise ConversionError([problem_at(node, "E206", "decides by something that is no tensor")])
        is_true = truth(condition)
        if is_true is not None:
            self.known[id(condition)] = condition
            return then if is_true else otherwise
        return self._merged(node, condition, then, otherwise)

    def _switch_layer(self, frame: Frame, node: Node) -> Operand:
        """The function that a number picks, counted from the front or from the end."""
        index, *functions = (self._operand(frame, value) for value in node.inputs)
        number = self._value(node, index)
        found = functions[-1]
        for place in reversed(range(len(functions) - 1)):
            is_it = [equals(self, node, number, wanted) for wanted in (place, place - len(functions))]
            found = self._merged(node, either(self, node, is_it), functions[place], found)
        return found

    def _call(self, frame: Frame, node: Node, entry: tuple[Node, ...]) -> None:
        """Run what a node calls; its results are those of the call."""
        function, arguments = self._target(frame, node)
        call = Call(arguments, merge(entry, self._after(frame, node)), frame.depth)
        outside = self.loops.enter() if self.loops is not None else None
        self._finish_call(frame, node, self._apply(node, function, call))
        if self.loops is not None and outside is not None:
            self.loops.leave(outside)

    def _finish_call(self, frame: Frame, node: Node, result: Result) -> None:
        """Let a node's results be those of what it called."""
        outputs = result.outputs
        if len(outputs) < len(node.outputs):
            message = f"makes {len(outputs)} results where {len(node.outputs)} are expected"
            raise ConversionError([problem_at(node, "E206", message)])
        # Functions that nobody calls may be missing at the end.
        frame.values.update((id(old), new) for old, new in zip(node.outputs, outputs, strict=False))
        frame.effects[id(node)] = result.after

    def _apply(self, node: Node, function: Function, call: Call) -> Result:
        """Run a function; of a choice on data, both branches."""
        if isinstance(function, Closure):
            return self.run(Tail(function, call.arguments, call.after), call.depth)
        end = self._choose(node, function, call)
        return self.run(end, call.depth) if isinstance(end, Tail) else end

    def _choose(self, node: Node, function: Choice, call: Call) -> Result | Tail:
        """Run both branches of a choice on data, up to the call that both end with, if they do."""
        inside = replace(call, depth=call.depth + 1)
        sides = [self._run_side(node, each, inside) for each in (function.then, function.otherwise)]
        common = common_tails(*(side.end for side in sides))
        if common is None:
            for side in sides:
                self._finish_side(side, inside)
        rows = [tail_arguments(end) if isinstance(end, Tail) else end.outputs for end in (side.end for side in sides)]
        pairs = list(zip(*rows, strict=True))
        after = merge(*(side.end.after for side in sides))
        if self.loops is not None and makes_tensors(pairs):
            merged, after = branch(self, node, function.condition, sides, pairs), ()
        else:
            for side in sides:
                self.made += side.nodes
            self._merge_stores(node, function.condition, [side.stored for side in sides], call.after)
            merged = tuple(self._merged(node, function.condition, *pair) for pair in pairs)
        if common is None:
            return Result(merged, after)
        after = merge(after, *(tail.function.after for tail in common))
        return Tail(Closure(common[0].function.graph, (), ()), merged, after)

    def _run_side(self, node: Node, function: Function, call: Call) -> Side:
        """Run one branch; its nodes and assignments stay apart."""
        self.stores.enter()
        outer, self.made = self.made, []
        end = self._branch(node, function, call)
        nodes, self.made = self.made, outer
        return Side(nodes, end, self.stores.leave())

    def _finish_side(self, side: Side, call: Call) -> None:
        """Run the call that a branch ends with."""
        if not isinstance(side.end, Tail):
            return
        if self.loops is not None:
            self.loops.note_end(side.end.function.graph)
        self.stores.enter(side.stored)
        outer, self.made = self.made, side.nodes
        side.end = self.run(side.end, call.depth)
        side.nodes, self.made = self.made, outer
        side.stored = self.stores.leave()

    def _call_loop(self, loops: Loops, frame: Frame, tail: Tail) -> Result:
        """Call a graph that calls itself; the first call makes it."""
        graph, arguments = tail.function.graph, tail_arguments(tail)
        if id(graph) not in loops.made:
            loop, inputs = loops.begin(graph, arguments)
            outer, self.made = self.made, []
            result = self.run(Tail(Closure(graph, (), ()), inputs, ()), frame.depth + 1, graph)
            loop.graph.nodes, self.made = self.made, outer
            loops.finish(graph.nodes[-1], loop, result)
        return loops.call(self, graph.nodes[-1], graph, arguments)

    def _branch(self, node: Node, function: Function, call: Call) -> Result | Tail:
        """One branch, up to the call that may be common to both."""
        if isinstance(function, Closure):
            return self._run_branch(Tail(function, call.arguments, call.after), call.depth)
        return self._choose(node, function, call)

    def _merge_stores(
        self, node: Node, condition: Value, stored: Sequence[Mapping[int, Store]], after: tuple[Node, ...]
    ) -> None:
        """What either branch assigned is assigned once, with the old value for a branch that did not."""
        for key in dict.fromkeys([*stored[0], *stored[1]]):
            like = next(stores[key] for stores in stored if key in stores)
            then, otherwise = (
                stores[key].new if key in stores else self.stores.current(like.node, like.variable, after)
                for stores in stored
            )
            new = self._merged(node, condition, then, otherwise, like.node)
            if isinstance(new, Value):
                places = merge(*(stores[key].after for stores in stored if key in stores))
                self.stores.store(like.node, like.variable, new, places)

    def _merged(self, node: Node, condition: Value, a: Operand, b: Operand, place: Node | None = None) -> Operand:
        """The result `a` where the condition holds, else `b`."""
        if a is b:
            return a
        if isinstance(a, Value) and isinstance(b, Value):
            if a.literal is not None and b.literal is not None and a.literal == b.literal:
                return a
            if a.type != b.type:
                message = f"the branches of a condition on data make {a.type} and {b.type}"
                raise ConversionError([problem_at(node, "E206", message, "let both branches make the same shape")])
            maker = place or a.producer or b.producer or node
            return self.add("Select", maker, [condition, a, b], a.type)
        if isinstance(a, Value) or isinstance(b, Value):
            raise ConversionError([problem_at(node, "E206", "one branch makes a function, the other a tensor")])
        return Choice(condition, a, b)

    # -- values -----------------------------------------------------------------------------------------------------

    def _operand(self, frame: Frame, value: Value) -> Operand:
        """What a value stands for; constants stand for themselves."""
        return frame.values.get(id(value), value)

    def _value(self, node: Node, operand: Operand) -> Value:
        if isinstance(operand, Value):
            return operand
        raise ConversionError([problem_at(node, "E206", f"{node.op} takes a function, which cannot be converted")])

    def _after(self, frame: Frame, node: Node) -> tuple[Node, ...]:
        """The effects that precede a node."""
        return merge(*(frame.effects.get(id(earlier), ()) for earlier in node.after))
