"""A training session like the device's: constants change in place, nodes run in the runtime's order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import fail
from converter.reference.call import Call, refusal
from converter.reference.checks import check_graph
from converter.reference.compute import compute
from converter.reference.constants import constant_array
from converter.reference.functions import CONTROL_FLOW, bind, function_of, tail_call
from converter.reference.inputs import check_inputs
from converter.reference.roles import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.ir import Graph, Model, Node, Value
    from converter.reference.call import Array, Outputs
    from converter.reference.functions import Function, Stored

    Hook = Callable[[int, Node, Outputs], Outputs | None]


@dataclass(frozen=True)
class StepResult:
    """Results of one step by tensor name, in the order of the graph's outputs."""

    outputs: dict[str, Array]

    @property
    def losses(self) -> list[float]:
        """The outputs with a single element, which the device's loss monitor reads."""
        return [float(values.reshape(-1)[0]) for values in self.outputs.values() if values.size == 1]


@dataclass
class _Memory:
    """Values of one run; an activation is dropped after its last reader."""

    readers: Counter[int]
    kept: frozenset[int]
    values: dict[int, Stored] = field(default_factory=dict)

    def keep(self, value: Value, result: Stored) -> None:
        """Store a result that somebody will read."""
        if self.readers[id(value)] > 0 or id(value) in self.kept:
            self.values[id(value)] = result

    def release(self, node: Node) -> None:
        """Note that the node has read its inputs."""
        for value in node.inputs:
            self.readers[id(value)] -= 1
            if self.readers[id(value)] <= 0 and id(value) not in self.kept:
                self.values.pop(id(value), None)


class Session:
    """One model in memory.

    `on_kernel(position, node, outputs)`, when set, is called after every node; what it returns, unless None, takes the
    place of the outputs.
    """

    def __init__(self, model: Model) -> None:
        """Compile: check the graph, sort it, and keep what the device copies. Raises `ConversionError` E602."""
        self.graph = model.main
        self.path = model.path
        self.roles = roles(self.graph)
        check_graph(model, self.roles)
        self._values = _constant_values(model.graphs)
        self._initial = {id(value): constant_array(value, model) for value in self._values}
        self._current = dict(self._initial)
        self._state: dict[int, dict[str, Any]] = {id(node): {} for graph in model.graphs for node in graph.nodes}
        self._position = {id(node): index for graph in model.graphs for index, node in enumerate(graph.nodes)}
        self.on_kernel: Hook | None = None
        self.is_training = True

    def step(self, inputs: Mapping[str, Array] | Sequence[Array]) -> StepResult:
        """Run every node once on one batch: forward, backward, updates."""
        self.is_training = True
        return StepResult(self._execute(self.roles.order, self.roles.train_outputs, inputs))

    def evaluate(self, inputs: Mapping[str, Array] | Sequence[Array]) -> dict[str, Array]:
        """Run the eval graph; results by tensor name. Labels need not be given."""
        self.is_training = False
        return self._execute(self.roles.eval_order, self.roles.eval_outputs, inputs)

    def infer(self, inputs: Mapping[str, Array] | Sequence[Array]) -> dict[str, Array]:
        """Run all nodes in inference mode; the graph's outputs by tensor name, in the order of the file."""
        self.is_training = False
        return self._execute(self.roles.order, self.graph.outputs, inputs)

    @property
    def trains(self) -> bool:
        """Whether a node of the graph updates a constant."""
        return any(written_inputs(node) for node in self.graph.nodes if node.op != "FusedBatchNorm")

    def predict(self, inputs: Mapping[str, Array] | Sequence[Array]) -> dict[str, Array]:
        """What a user calls running the model: the eval graph of one that trains, else all nodes."""
        return self.evaluate(inputs) if self.trains else self.infer(inputs)

    @property
    def predicted(self) -> Sequence[Value]:
        """The values that `predict` returns."""
        return self.roles.eval_outputs if self.trains else self.graph.outputs

    def needed_inputs(self, *, training: bool = True) -> set[int]:
        """Identities of the values that a step reads, or that `predict` reads."""
        order = self.roles.order if training or not self.trains else self.roles.eval_order
        return {id(value) for node in order for value in node.inputs}

    def constants(self) -> dict[str, Array]:
        """Current numbers of every constant that a node reads, by tensor name, in the order of first use."""
        return {value.name: self._current[id(value)] for value in self._values}

    def state(self, node: Node) -> dict[str, Any]:
        """What the node's kernel keeps between steps; a Dropout takes its mask from `mask`, if that is there."""
        return self._state[id(node)]

    def current(self, value: Value) -> Array:
        """Current numbers of one constant."""
        return self._current[id(value)]

    def variables(self) -> dict[str, Value]:
        """The constants that training may write or set: optimizer inputs, Assign targets, BatchNorm statistics."""
        return {value.name: value for node in self.graph.nodes for value in written_inputs(node) if value.is_const}

    def _execute(
        self, order: Sequence[Node], results: Sequence[Value], inputs: Mapping[str, Array] | Sequence[Array]
    ) -> dict[str, Array]:
        needed = {id(value) for node in order for value in node.inputs}
        memory = self._run_all(order, results, check_inputs(self.graph, inputs, needed, self.path))
        return {value.name: self._result(value, memory) for value in results}

    def _run_all(self, order: Sequence[Node], results: Sequence[Value], inputs: Mapping[int, Stored]) -> _Memory:
        """Run nodes on values by identity; the memory afterwards holds the results."""
        readers = Counter(id(value) for node in order for value in node.inputs)
        memory = _Memory(readers, frozenset(map(id, results)))
        memory.values.update(inputs)
        for position, node in enumerate(order):
            if node.op in CONTROL_FLOW:
                self._run_function(node, memory)
            else:
                self._run(position, node, memory)
        return memory

    def _run_function(self, node: Node, memory: _Memory) -> None:
        """A node that makes or calls a function."""
        inputs = [memory.values.get(id(value), self._current.get(id(value))) for value in node.inputs]
        known = [value for value in inputs if value is not None]
        if len(known) < len(inputs):
            raise refusal(node, "reads what nothing has written")
        results: list[Stored] = [bind(node, known)] if node.op != "Call" else []
        results += self._run_graph(function_of(node, known[0])) if node.op == "Call" else []
        memory.release(node)
        for value, result in zip(node.outputs, results, strict=True):
            memory.keep(value, result)

    def _run_graph(self, function: Function) -> list[Array]:
        """Call a function; where it ends with a call itself, that one goes on here, so that loops need no depth."""
        while True:
            graph, last = function.graph, tail_call(function.graph)
            results = graph.outputs if last is None else last.inputs
            nodes = graph.nodes if last is None else graph.nodes[:-1]
            arguments = {id(value): each for value, each in zip(graph.inputs, function.arguments, strict=True)}
            memory = self._run_all(nodes, results, arguments)
            if last is None:
                return [self._result(value, memory) for value in results]
            function = function_of(last, memory.values[id(last.inputs[0])])

    def _run(self, position: int, node: Node, memory: _Memory) -> None:
        call = self._call(node, memory)
        outputs = compute(call)
        for index, values in call.updates.items():
            self._write(node.inputs[index], values, memory)
        memory.release(node)
        if self.on_kernel is not None:
            outputs = self.on_kernel(position, node, outputs) or outputs
        for value, result in zip(node.outputs, outputs, strict=False):
            self._check_early_readers(node, value, result)
            if result is not None:
                memory.keep(value, result)

    def _call(self, node: Node, memory: _Memory) -> Call:
        inputs = tuple(self._read(node, value, memory) for value in node.inputs)
        initial = {i: self._initial[id(value)] for i, value in enumerate(node.inputs) if id(value) in self._initial}
        trainable = id(node) in self.roles.trainable
        return Call(node, inputs, initial, self.is_training, trainable, self._state[id(node)])

    def _read(self, node: Node, value: Value, memory: _Memory) -> Array:
        found = memory.values.get(id(value))
        if isinstance(found, np.ndarray):
            return found
        if id(value) in self._current:
            return self._current[id(value)]
        if node.op in ("LSTMGrad", "LSTMGradData", "LSTMGradWeight"):
            return np.zeros(value.type.shape or (), np.float32)
        raise refusal(node, f"reads {value.name!r}, which nothing has written", "the device would read old memory")

    def _write(self, value: Value, values: Array, memory: _Memory) -> None:
        old = memory.values.get(id(value))
        if id(value) in self._current:
            shape = self._current[id(value)].shape
            self._current[id(value)] = values.reshape(shape)
        elif isinstance(old, np.ndarray):
            memory.values[id(value)] = values.reshape(old.shape)

    def _check_early_readers(self, node: Node, value: Value, values: Array | None) -> None:
        """The device infers shapes in file order: a reader that stands first sees the dims written in the file."""
        if values is None or tuple(values.shape) == value.type.shape:
            return
        here = self._position[id(node)]
        early = next((user for user in value.users if self._position.get(id(user), here) < here), None)
        if early is not None:
            raise refusal(early, f"stands in the file before {node.name!r}, whose output has no true dims in the file")

    def _result(self, value: Value, memory: _Memory) -> Array:
        found = memory.values.get(id(value))
        if isinstance(found, np.ndarray):
            return found
        if id(value) in self._current:
            return self._current[id(value)]
        raise fail("E602", f"the output {value.name!r} is never written", path=self.path)


def written_inputs(node: Node) -> tuple[Value, ...]:
    """The inputs of a node that its kernel updates, or that the session may set (learning rate, betas)."""
    if node.op in ("Adam", "SGD", "ApplyMomentum", "AdamWeightDecay", "Assign"):
        return node.inputs[:1] if node.op == "Assign" else node.inputs
    return node.inputs[3:5] if node.op == "FusedBatchNorm" else ()


def _constant_values(graphs: Sequence[Graph]) -> list[Value]:
    """Constants that nodes read, in the order of first use, then those that are results, graph by graph."""
    return list({id(value): value for graph in graphs for value in graph.constants()}.values())
