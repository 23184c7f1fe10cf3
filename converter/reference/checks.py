"""What makes the device refuse a graph when it compiles it, before any number is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import Problem, Problems
from converter.ir import DType, Layout
from converter.ops.device_kernels import DEVICE_KERNELS
from converter.ops.formats import Formats, wrong_image
from converter.reference.functions import CONTROL_FLOW
from converter.reference.kernels import KERNELS
from converter.reference.optimizers import RATES
from converter.reference.roles import is_optimizer

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node
    from converter.reference.call import Call
    from converter.reference.roles import Roles

_RANK = 4
_KERNEL_TYPES = (DType.FLOAT32, DType.FLOAT16, DType.INT8, DType.INT32, DType.BOOL, DType.UINT8)


def check_graph(model: Model, roles: Roles) -> None:
    """Raise `ConversionError` E602 with everything that the device would not compile, or would compute garbage from."""
    problems = Problems()
    is_trained = any(is_optimizer(node) for node in roles.order)
    for graph in model.graphs:
        _check_wiring(graph, problems, model.path)
        for node in graph.nodes:
            _check_node(node, problems, is_trained=is_trained)
        formats = Formats(graph)
        for node in graph.nodes:
            message = _wrong_format(formats, node)
            if message:
                problems.add(_problem(node, message, "images must be NHWC, convolution weights NHWC or KHWC"))
    if is_trained:
        _check_batch(model.main, problems, model.path)
    problems.raise_if_any()


def _problem(node: Node, message: str, hint: str | None = None) -> Problem:
    origin = node.origin
    return Problem("E602", message, origin.path, node=node.name, op=node.op, scope=origin.scope, hint=hint)


def _check_wiring(graph: Graph, problems: Problems, path: str | None) -> None:
    """Every tensor that is read is a constant, a graph input, or made by a node of the graph; every node makes one."""
    inside = set(map(id, graph.nodes))
    owners: dict[int, Node] = {}
    inputs = set(map(id, graph.inputs))
    for node in graph.nodes:
        for value in node.outputs:
            if id(value) in owners:
                problems.add(_problem(node, f"writes {value.name!r}, as {owners[id(value)].name!r} does"))
            owners[id(value)] = node
        for value in node.inputs:
            made = value.producer is not None and id(value.producer) in inside
            if not (made or value.is_const or id(value) in inputs):
                problems.add(_problem(node, f"reads {value.name!r}, which has no numbers and which nothing makes"))
    for value in graph.outputs:
        if not (value.is_const or (value.producer is not None and id(value.producer) in inside)):
            problems.add(Problem("E602", f"nothing makes the output {value.name!r}", path))


def _check_node(node: Node, problems: Problems, *, is_trained: bool) -> None:
    if node.op not in KERNELS and node.op not in CONTROL_FLOW:
        problems.add(_problem(node, f"has the operator {node.op}, which {_lacking(node.op)}"))
    if not node.name:
        problems.add(_problem(node, "has no name", "the device finds losses, gradients and outputs by node names"))
    if not node.outputs:
        problems.add(_problem(node, "has no output"))
    if not node.inputs:
        problems.add(_problem(node, "has no input"))
    rate = node.inputs[RATES[node.op] :][:1] if node.op in RATES else ()
    if rate and not rate[0].is_const:
        hint = "the device reads the learning rate once, when it compiles the model: it must be a constant"
        problems.add(_problem(node, "has a learning rate that is computed or a graph input", hint))
    for value in node.inputs:
        if value.is_const and value.type.dtype is DType.FLOAT16 and not is_trained:
            continue  # widened when the model is loaded; a training session reads memory that nobody wrote
        if value.producer is None and value.type.dtype in (DType.FLOAT64, DType.FLOAT16, DType.BFLOAT16, DType.STRING):
            name = value.type.dtype.name.lower()
            problems.add(_problem(node, f"reads {value.name!r} of type {name}, for which there is no kernel"))


def _lacking(op: str) -> str:
    """Who cannot run an operator that has no row in the table of kernels."""
    support = DEVICE_KERNELS.get(op)
    if support is not None and support.reads_attributes and support.infers_shape and support.kernels:
        return "this interpreter does not reproduce"
    return "the device cannot run"


def check_types(call: Call) -> None:
    """Refuse a call for whose element type the device has no kernel.

    The device goes by the first input of a type that kernels are made for, else by the first input.
    """
    support = DEVICE_KERNELS.get(call.node.op)
    if support is None or not call.inputs:
        return
    types = [DType.of(values.dtype) for values in call.inputs]
    chosen = next((dtype for dtype in types if dtype in _KERNEL_TYPES), types[0])
    if chosen not in support.kernels:
        raise call.refuse(f"reads {chosen.name.lower()}, for which the device has no {call.node.op} kernel")


def _check_batch(graph: Graph, problems: Problems, path: str | None) -> None:
    for value in graph.inputs:
        if value.type.shape is not None and any(dim < 0 for dim in value.type.shape):
            message = f"the input {value.name!r} has an unknown dimension in {list(value.type.shape)}"
            problems.add(Problem("E602", message, path, hint="a training model needs a fixed batch size"))


def _wrong_format(formats: Formats, node: Node) -> str | None:
    """What is wrong with the formats of a node's inputs, if anything."""
    value = wrong_image(formats, node)
    if value is not None:
        return f"reads {value.name!r} in the format {formats.of(value).name}"
    if node.op == "Conv2DFusion" and len(node.inputs) > 1:
        weight = node.inputs[1]
        if weight.is_const and weight.layout == Layout.NCHW:
            return f"has the weight {weight.name!r} in the format NCHW"
    return None
