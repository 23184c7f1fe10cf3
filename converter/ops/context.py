"""What adapters work with: the graph, where they report to, and small constructors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, DType, FilledTensor, Note, TensorType, Value
from converter.ir.editing import wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from converter.ir import Attr, Graph, Model, Node

    Adapter: TypeAlias = Callable[["Context", Node], None]

# The device computes with 32 bits.
# What the device has kernels for in place of other types; numbers of float16 are computed in float32.
NARROWER = {
    DType.INT64: DType.INT32,
    DType.UINT64: DType.INT32,
    DType.FLOAT64: DType.FLOAT32,
    DType.FLOAT16: DType.FLOAT32,
}


@dataclass
class Context:
    """The graph that is being adapted; constants that several nodes may share are made once."""

    model: Model
    graph: Graph
    is_training: bool
    problems: Problems = field(default_factory=Problems)
    _shared: dict[str, Value] = field(default_factory=dict)
    _before: dict[int, list[Node]] = field(default_factory=dict)
    _behind: dict[int, list[Node]] = field(default_factory=dict)
    _replaced: dict[int, tuple[Node, tuple[Node, ...]]] = field(default_factory=dict)

    def refuse(self, code: str, node: Node, message: str, hint: str | None = None) -> None:
        """Report that a node cannot be converted; the stage goes on and fails at its end."""
        self.problems.add(problem_at(node, code, message, hint))

    def note(self, kind: str, message: str, node: Node | None = None) -> None:
        """Tell the user what changed."""
        self.model.notes.append(Note(kind, message, node.name if node is not None else None))

    def shared(self, name: str, values: float | list[int] | list[float], dtype: DType = DType.FLOAT32) -> Value:
        """A constant that nobody writes, made once per graph."""
        if name not in self._shared:
            self._shared[name] = constant(name, np.asarray(values, dtype.numpy))
        return self._shared[name]

    def shape(self, node: Node, value: Value) -> tuple[int, ...] | None:
        """The shape of a value; None, and a problem, when it is not known."""
        if value.type.is_static:
            return value.type.shape
        hint = "export the model with fixed shapes"
        self.refuse("E204", node, f"the shape of {value.name!r} is not known: {value.type}", hint)
        return None

    def ranked(self, node: Node, value: Value) -> tuple[int, ...] | None:
        """The shape of a value, -1 where a dimension is not known; None, and a problem, when not even the rank is."""
        if value.type.shape is None:
            self.refuse("E204", node, f"the rank of {value.name!r} is not known", "export the model with fixed ranks")
        return value.type.shape

    def put_before(self, place: Node, nodes: list[Node]) -> None:
        """Let new nodes run before `place`."""
        self._before.setdefault(id(place), []).extend(nodes)

    def put_behind(self, place: Node, nodes: list[Node]) -> None:
        """Let new nodes run right after `place`."""
        self._behind.setdefault(id(place), []).extend(nodes)

    def replace(self, node: Node, nodes: list[Node]) -> None:
        """Let new nodes take the place of a node; its results must already have other producers."""
        self.put_before(node, nodes)
        self._replaced[id(node)] = (node, tuple(nodes))

    def finish(self) -> None:
        """Carry out all insertions and replacements in one sweep."""
        order: list[Node] = []
        for node in self.graph.nodes:
            order += self._before.pop(id(node), [])
            if id(node) not in self._replaced:
                order.append(node)
            order += self._behind.pop(id(node), [])
        for node in order:
            node.after = self._rerouted(node.after)
        for node, _ in self._replaced.values():
            wire(node, (), ())
        self.graph.nodes[:] = order

    def _rerouted(self, after: tuple[Node, ...]) -> tuple[Node, ...]:
        """What waited for a replaced node waits for the nodes in its place."""
        if not any(id(node) in self._replaced for node in after):
            return after
        stand_ins = [self._replaced[id(n)][1] if id(n) in self._replaced else (n,) for n in after]
        return tuple({id(node): node for group in stand_ins for node in group}.values())


def problem_at(node: Node, code: str, message: str, hint: str | None = None) -> Problem:
    """A problem located at the user's operator."""
    origin = node.origin
    scope = origin.scope
    if scope and origin.module:
        scope = f"{scope}   ({origin.module})"
    return Problem(code, message, path=origin.path, node=node.name, op=origin.op, scope=scope, hint=hint)


def constant(name: str, values: np.ndarray[Any, np.dtype[Any]]) -> Value:
    """A constant value from numbers."""
    tensor = ArrayTensor.of(values)
    return Value(name, tensor.type, const=tensor)


def zeros(name: str, shape: tuple[int, ...]) -> Value:
    """A float32 constant of zeros that takes no memory until it is written."""
    tensor = FilledTensor(DType.FLOAT32, shape, 0.0)
    return Value(name, tensor.type, const=tensor)


def literal_of(value: Value) -> Attr:
    """The Python value of an argument, or of a constant tensor of numbers; None when the graph computes it."""
    if value.literal is not None:
        return value.literal.value
    if value.const is None:
        return None
    numbers = value.const.array().tolist()
    return tuple(numbers) if isinstance(numbers, list) else numbers


def integers_of(value: Value) -> tuple[int, ...] | None:
    """A constant list of integers, or one integer as a list; None when it is something else."""
    if value.const is not None and value.const.dtype.numpy.kind not in "iu":
        return None  # without reading what may be a whole weight
    found = literal_of(value)
    listed = found if isinstance(found, tuple) else (found,)
    if all(isinstance(item, int) for item in listed):
        return tuple(int(str(item)) for item in listed)
    return None


def literal_array(value: Attr) -> np.ndarray[Any, np.dtype[Any]] | None:
    """The tensor for a literal: a scalar integer has one dimension, as the official converter writes it."""
    flat = value if isinstance(value, tuple) else (value,)
    if any(isinstance(item, (tuple, str, bytes)) or item is None for item in flat):
        return None
    if value and all(isinstance(item, bool) for item in flat):
        return np.array(flat, np.bool_)
    if any(isinstance(item, float) for item in flat):
        return np.array(value, np.float32)
    return np.array(flat, np.int32)


def scalar_type(shape: tuple[int, ...] = ()) -> TensorType:
    """A float32 type."""
    return TensorType(DType.FLOAT32, shape)
