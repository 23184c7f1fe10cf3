"""What a row of the MindIR table cannot say: adapters compute attributes from shapes, or write other nodes.

An adapter gets a node that is already renamed and has its attributes; shapes are still those of MindIR (NCHW).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, Attr, DType, Graph, Literal, Model, Node, Note, TensorType, Value
from converter.ir.editing import insert_after, insert_before, replace_uses, set_input, wire
from converter.ops.lite_fields import lite_node

SAME, VALID = 1, 2
_KERNEL_AXES = slice(2, 4)
_ADAPTED = "adapt-operators"


@dataclass
class Context:
    """What adapters work on: the graph, and where they report to."""

    model: Model
    graph: Graph
    problems: Problems = field(default_factory=Problems)

    def refuse(self, code: str, node: Node, message: str, hint: str | None = None) -> None:
        """Report that a node cannot be converted."""
        self.problems.add(problem_at(node, code, message, hint))

    def note(self, kind: str, message: str, node: Node | None = None) -> None:
        """Tell the user what changed."""
        self.model.notes.append(Note(kind, message, node.name if node is not None else None))


Adapter: TypeAlias = Callable[[Context, Node], None]


def problem_at(node: Node, code: str, message: str, hint: str | None = None) -> Problem:
    """A problem located at the user's operator."""
    origin = node.origin
    scope = origin.scope
    if scope and origin.module:
        scope = f"{scope}   ({origin.module})"
    return Problem(code, message, path=origin.path, node=node.name, op=origin.op, scope=scope, hint=hint)


def constant(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Value:
    """A constant value from numbers."""
    tensor = ArrayTensor.of(values)
    return Value(name, tensor.type, const=tensor)


def derived(node: Node, op: str, suffix: str, inputs: list[Value], kind: TensorType) -> Node:
    """A new node beside `node`, with one output; its name says where it belongs."""
    name = f"{node.name}_{suffix}"
    return lite_node(op, name, node.origin.derived(_ADAPTED), inputs, [Value(name, kind)])


def literal_of(value: Value) -> Attr:
    """The Python value of an argument, or of a constant tensor of numbers; None when the graph computes it."""
    if value.literal is not None:
        return value.literal.value
    if value.const is None:
        return None
    numbers = value.const.array().tolist()
    return tuple(numbers) if isinstance(numbers, list) else numbers


def _static_shape(context: Context, node: Node, value: Value) -> tuple[int, ...] | None:
    """The shape of a value; a problem when it is not known."""
    if value.type.is_static and value.type.shape is not None:
        return value.type.shape
    context.refuse("E204", node, f"the shape {value.type} of {value.name!r} is not known", "export with fixed shapes")
    return None


# -- convolutions ---------------------------------------------------------------------------------------------------


def convolution(context: Context, node: Node) -> None:
    """Forward convolution (x, kernel): channels from the kernel, explicit pads."""
    image, kernel = (_static_shape(context, node, value) for value in node.inputs[:2])
    output = _static_shape(context, node, node.outputs[0])
    if image and kernel and output:
        _finish_convolution(node, image, kernel, output)


def filter_gradient(context: Context, node: Node) -> None:
    """Gradient of the kernel (dy, x, kernel shape) -> kernel."""
    small, image = (_static_shape(context, node, value) for value in node.inputs[:2])
    kernel = _static_shape(context, node, node.outputs[0])
    if image and kernel and small:
        _finish_convolution(node, image, kernel, small)


def input_gradient(context: Context, node: Node) -> None:
    """Gradient of the image (dy, kernel, image shape) -> image."""
    small, kernel = (_static_shape(context, node, value) for value in node.inputs[:2])
    image = _static_shape(context, node, node.outputs[0])
    if image and kernel and small:
        _finish_convolution(node, image, kernel, small)


def _finish_convolution(node: Node, image: tuple[int, ...], kernel: tuple[int, ...], output: tuple[int, ...]) -> None:
    """Channel counts, kernel size and pads (up, down, left, right); the device wants them written out."""
    group = node.attrs.get("group", 1)
    node.attrs["group"] = group
    node.attrs["out_channel"] = kernel[0]
    node.attrs["in_channel"] = kernel[1] * int(group if isinstance(group, int) else 1)
    node.attrs["kernel_size"] = kernel[_KERNEL_AXES]
    strides, dilations = _numbers(node, "stride"), _numbers(node, "dilation")
    node.attrs.update(stride=strides, dilation=dilations)
    mode = node.attrs.get("pad_mode", 0)
    if mode == VALID:
        node.attrs["pad_list"] = (0, 0, 0, 0)
    elif mode == SAME:
        pads: list[int] = []
        for axis, (stride, dilation) in enumerate(zip(strides, dilations, strict=True), start=2):
            reach = (output[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1
            total = max(reach - image[axis], 0)
            pads += [total // 2, total - total // 2]
        node.attrs["pad_list"] = tuple(pads)


def _numbers(node: Node, name: str) -> tuple[int, int]:
    """A pair of integers; (1, 1) when the attribute is absent."""
    value = node.attrs.get(name, (1, 1))
    pair = value if isinstance(value, tuple) else (value, value)
    return int(str(pair[0])), int(str(pair[-1]))


# -- reductions, casts ----------------------------------------------------------------------------------------------


def reduce(context: Context, node: Node) -> None:
    """Axes as a list; none at all means every axis."""
    axes = literal_of(node.inputs[1]) if len(node.inputs) > 1 else ()
    rank = node.inputs[0].type.rank
    if rank is None:
        context.refuse("E204", node, "the rank of its input is not known")
        return
    listed = axes if isinstance(axes, tuple) else (axes,)
    if axes is None or not listed:
        listed = tuple(range(rank))
    value = Value("", TensorType(DType.INT32, ()), literal=Literal(listed))
    wire(node, [node.inputs[0], value])


def cast(context: Context, node: Node) -> None:
    """Target type as a TypeId; 64-bit types have narrower ones on the device."""
    target = literal_of(node.inputs[1]) if len(node.inputs) > 1 else None
    if not isinstance(target, int) or target not in DType.__members__.values():
        context.refuse("E202", node, "the target type of Cast is not a constant")
        return
    narrow = NARROWER.get(DType(target), DType(target))
    set_input(node, 1, Value("", TensorType(DType.INT32, ()), literal=Literal(int(narrow))))


# The device has no kernels for 64-bit numbers.
NARROWER = {DType.INT64: DType.INT32, DType.FLOAT64: DType.FLOAT32, DType.UINT64: DType.INT32}


# -- losses ---------------------------------------------------------------------------------------------------------


def scalar_loss(_context: Context, node: Node) -> None:
    """The device writes the mean loss as one element of rank 1."""
    if not node.attrs.get("is_grad"):
        node.outputs[0].type = TensorType(DType.FLOAT32, (1,))


def one_hot_cross_entropy(context: Context, node: Node) -> None:
    """The device writes the losses as [N, 1]; readers that mind the rank get them reshaped to [N]."""
    losses = node.outputs[0]
    shape = _static_shape(context, node, losses)
    if not shape:
        return
    losses.type = TensorType(DType.FLOAT32, (shape[0], 1))
    readers = [user for user in losses.users if not _reduces_rows(user)]
    for user in losses.users:
        if _reduces_rows(user):
            user.outputs[0].type = TensorType(DType.FLOAT32, (1,))
    if readers or losses in context.graph.outputs:
        target = constant(f"{node.name}_rows", np.array(shape, np.int32))
        flat = derived(node, "Reshape", "losses", [losses, target], TensorType(DType.FLOAT32, shape))
        insert_after(context.graph, node, flat)
        replace_uses(context.graph, losses, flat.outputs[0], only=readers)
        context.graph.outputs[:] = [flat.outputs[0] if value is losses else value for value in context.graph.outputs]


def _reduces_rows(node: Node) -> bool:
    """Whether a node reduces axis 0 away, which does the same to [N, 1] as to [N]."""
    is_reduction = node.op in ("ReduceMean", "ReduceSum", "ReduceFusion")
    return is_reduction and not node.attrs.get("keep_dims") and literal_of(node.inputs[1]) in (0, (0,), ())


# -- optimizers and variables ---------------------------------------------------------------------------------------


def optimizer(_context: Context, node: Node) -> None:
    """One output of one element, which the device never writes."""
    wire(node, node.inputs, [Value(node.name, TensorType(DType.FLOAT32, (1,)))])


def momentum(context: Context, node: Node) -> None:
    """As `optimizer`; a gradient scale becomes a Mul, because the device reads the attribute and ignores it."""
    optimizer(context, node)
    scale = node.attrs.get("gradient_scale", 1.0)
    node.attrs["gradient_scale"] = 1.0
    if scale != 1.0 and isinstance(scale, (int, float)):
        factor = constant(f"{node.name}_gradient_scale", np.array(scale, np.float32))
        gradient = node.inputs[3]
        scaled = derived(node, "MulFusion", "scaled", [gradient, factor], gradient.type)
        insert_before(context.graph, node, scaled)
        set_input(node, 3, scaled.outputs[0])


def assign_add(context: Context, node: Node) -> None:
    """AssignAdd has no kernel: Add, then Assign. A counter becomes float32, the only type that Assign has."""
    variable, amount = node.inputs
    if variable.const is None:
        context.refuse("E202", node, "adds to something that is no parameter")
        return
    if variable.type.dtype is not DType.FLOAT32:
        _make_float(context, node, variable)
        amount = constant(
            f"{node.name}_amount", np.asarray(literal_of(amount), np.float32).reshape(variable.type.shape or ())
        )
    total = derived(node, "AddFusion", "sum", [variable, amount], variable.type)
    total.after = node.after
    insert_before(context.graph, node, total)
    wire(node, [variable, total.outputs[0]], [Value(node.name, TensorType(DType.FLOAT32, (1,)))])


def _make_float(context: Context, node: Node, variable: Value) -> None:
    """Keep an integer counter as float32, exact up to 2**24; its integer readers get it cast back."""
    old = variable.type
    assert variable.const is not None  # noqa: S101 - checked by the caller
    tensor = ArrayTensor.of(variable.const.array().astype(np.float32))
    variable.const, variable.type = tensor, tensor.type
    context.note("type", f"counter {variable.name!r} is kept as float32 instead of {old.dtype.name.lower()}", node)
    readers = [user for user in dict.fromkeys(variable.users) if user is not node]
    if readers:
        target = constant(f"{variable.name}_type", np.array(int(DType.INT32), np.int32))
        back = derived(node, "Cast", "read", [variable, target], TensorType(DType.INT32, old.shape))
        insert_before(context.graph, readers[0], back)
        replace_uses(context.graph, variable, back.outputs[0], only=readers)


ADAPTERS: Mapping[str, Adapter] = {
    "assign_add": assign_add,
    "cast": cast,
    "convolution": convolution,
    "filter_gradient": filter_gradient,
    "input_gradient": input_gradient,
    "momentum": momentum,
    "one_hot_cross_entropy": one_hot_cross_entropy,
    "optimizer": optimizer,
    "reduce": reduce,
    "scalar_loss": scalar_loss,
}
