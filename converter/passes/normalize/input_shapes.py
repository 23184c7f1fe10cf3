"""`--inputShape`: dimensions that the model leaves open become numbers, and so does all that follows from them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import DType, Literal, Note, TensorType, Value
from converter.ir.editing import replace_uses
from converter.ops.context import constant, integers_of, problem_at
from converter.ops.shape_rules import shape_rule
from converter.passes.normalize.continuations import called
from converter.passes.normalize.known_values import computed

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.ir import Graph, Model, Node

    Array = np.ndarray[Any, np.dtype[Any]]

_SHAPES = frozenset({"Shape", "TensorShape", "DynamicShape"})
_ROUNDS = 8


def set_input_shapes(model: Model) -> bool:
    """Give inputs the dimensions that the user asks for, and work out every shape that was not known.

    Raises `ConversionError` E204 with every input that does not fit, then with every operator whose result cannot be
    worked out.
    """
    if not model.wanted.shapes:
        return False
    problems = Problems()
    inputs = {value.name: value for value in model.main.inputs}
    for name, dims in model.wanted.shapes.items():
        complaint = _complaint(inputs.get(name), dims)
        if complaint is not None:
            hint = f"the inputs are {', '.join(f'{value.name}: {value.type}' for value in model.main.inputs)}"
            problems.add(Problem("E204", f"--inputShape: input {name!r} {complaint}", path=model.path, hint=hint))
    problems.raise_if_any()
    changed = [name for name, dims in model.wanted.shapes.items() if inputs[name].type.shape != dims]
    for name in changed:
        inputs[name].type = TensorType(inputs[name].type.dtype, model.wanted.shapes[name])
        model.notes.append(Note("shape", f"input {name!r} is {inputs[name].type}"))
    if changed:
        _infer(model)
    return bool(changed)


def _complaint(value: Value | None, dims: tuple[int, ...]) -> str | None:
    """What is wrong with the dimensions asked for."""
    if value is None:
        return "does not exist"
    shape = value.type.shape
    if shape is not None and len(shape) != len(dims):
        return f"has {len(shape)} dimensions, not {len(dims)}"
    fixed = [old for old, new in zip(shape or dims, dims, strict=True) if old not in (-1, new)]
    return f"has the fixed dimensions {value.type}, not {list(dims)}" if fixed else None


def _infer(model: Model) -> None:
    """Work through all graphs until what loops pass to themselves no longer changes."""
    given: dict[int, TensorType] = {}
    for _ in range(_ROUNDS):
        before = dict(given)
        problems = Problems()
        for graph in model.graphs:
            for value in graph.inputs:
                value.type = given.get(id(value), value.type)
            for node in list(graph.nodes):
                _infer_node(graph, node, problems)
                _pass_on(node, given)
                if node.op == "call":
                    _take_results(node, given)
        if given == before:
            break
    problems.raise_if_any()


def _pass_on(node: Node, given: dict[int, TensorType]) -> None:
    """What a call is given has what is known of it in all its calls."""
    for graph in node.graphs:
        for inner, outer in zip(graph.inputs, node.inputs, strict=True):
            known = given.get(id(inner), outer.type)
            given[id(inner)] = outer.type if known.shape is None else _common(known, outer.type)


def _take_results(call: Node, given: dict[int, TensorType]) -> None:
    """What a call returns has what is known of the results of all graphs that it may run."""
    for place, value in enumerate(call.outputs):
        results = [graph.outputs[place] for graph in called(call)]
        kinds = [given.get(id(v)) if v.producer is not None and v.producer.op == "call" else v.type for v in results]
        known = [kind for kind in kinds if kind is not None]
        if known:
            value.type = given[id(value)] = reduce(_common, known)


def _common(a: TensorType, b: TensorType) -> TensorType:
    """What two types have in common."""
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return TensorType(a.dtype, None)
    return TensorType(a.dtype, tuple(x if x == y else -1 for x, y in zip(a.shape, b.shape, strict=True)))


def _infer_node(graph: Graph, node: Node, problems: Problems) -> None:
    """Results of one node: numbers where they are few and known, else shapes."""
    if node.op in _SHAPES and node.inputs[0].type.is_static:
        _replace_dimensions(graph, node, node.inputs[0].type.shape or ())
        return
    rule = shape_rule(node.op)
    if rule is None:
        if node.op not in ("Partial", "Switch", "call") and not all(value.type.is_static for value in node.outputs):
            hint = "export the model with fixed shapes"
            problems.add(problem_at(node, "E204", f"the shape of what {node.op} makes is not known", hint))
        return
    try:
        shapes = rule(node)
    except (ValueError, IndexError) as problem:
        if not all(value.type.is_static for value in node.outputs):
            hint = "give --inputShape dimensions that fit together"
            problems.add(problem_at(node, "E204", f"{node.op} {problem}", hint))
        return
    for value, shape in zip(node.outputs, shapes, strict=False):
        if shape is not None:
            _set_shape(node, value, shape, problems)
    result = _numbers(node)
    if result is not None:
        replace_uses(graph, node.outputs[0], result)


def _set_shape(node: Node, value: Value, shape: tuple[int, ...], problems: Problems) -> None:
    """Take over a shape, unless the model says otherwise."""
    declared = value.type.shape
    if declared is None or len(declared) != len(shape):
        value.type = TensorType(value.type.dtype, shape)
        return
    pairs = list(zip(declared, shape, strict=True))
    if any(old != new for old, new in pairs if min(old, new) >= 0):
        hint = "give --inputShape dimensions that fit together"
        message = f"{node.op} makes {list(shape)} where the model has {value.type}"
        problems.add(problem_at(node, "E204", message, hint))
        return
    value.type = TensorType(value.type.dtype, tuple(max(pair) for pair in pairs))


def _replace_dimensions(graph: Graph, node: Node, shape: tuple[int, ...]) -> None:
    """Known dimensions, as one tensor or one by one."""
    if len(node.outputs) == 1:
        replace_uses(graph, node.outputs[0], constant(node.outputs[0].name, np.array(shape, np.int64)))
        return
    for value, dim in zip(node.outputs, shape, strict=True):
        number = Value("", TensorType(DType.INT64, ()), literal=Literal(dim))
        replace_uses(graph, value, number)


def _numbers(node: Node) -> Value | None:
    """The result of arithmetic on known dimensions."""
    if not node.inputs or not all(value.is_const for value in node.inputs):
        return None
    assemble = _ASSEMBLE.get(node.op)
    if assemble is None:
        return computed(node, node.inputs)
    arrays = [integers_of(value) for value in node.inputs]
    known = [np.array(array, np.int64) for array in arrays if array is not None]
    if len(known) < len(arrays):
        return None
    result = assemble(node, known)
    return constant(node.outputs[0].name, result.reshape(node.outputs[0].type.shape or ()))


def _cut(_node: Node, arrays: list[Array]) -> Array:
    """StridedSlice of one axis; a shrunken axis is gone from the result's shape anyhow."""
    x, (begin,), (end,), (step,) = arrays
    return np.asarray(x[begin : end if end != begin or end < 0 else begin + 1 : step])


_ASSEMBLE: dict[str, Callable[[Node, list[Array]], Array]] = {
    "Concat": lambda _node, arrays: np.concatenate(arrays),
    "Gather": lambda _node, arrays: np.asarray(arrays[0][arrays[1]]),
    "Stack": lambda _node, arrays: np.concatenate(arrays),
    "StridedSlice": _cut,
}
