"""DYNAMIC_QUANT: products of matrices in int8, with scales of activations that the device finds at every run.

Weights are symmetric, with one scale per output channel; embedding tables are stored in int8 too. Strategy ACWL is the
reverse: one scale for a weight, one per row for an activation. The official 2.0.0 takes that key and ignores it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.ir import ArrayTensor, DType, Node, Note, TensorType, Value
from converter.ir.editing import insert_before, set_input, wire
from converter.ops.channels import channel_axis
from converter.ops.lite_fields import defaults
from converter.quantize.arithmetic import ASYMMETRIC, SYMMETRIC
from converter.quantize.slices import per_channel, per_layer

if TYPE_CHECKING:
    from converter.ir import Graph, Model
    from converter.options import QuantOptions

    Array = np.ndarray[Any, np.dtype[Any]]

QUANT_DYNAMIC = 6
_SIDES = (0, 1)
_MATRIX = 2


def quantize_dynamically(model: Model, options: QuantOptions) -> None:
    """Quantize every product and every embedding. Raises `ConversionError` E401 for weights that are not finite."""
    problems = Problems()
    count = 0
    for graph in model.graphs:
        levels: dict[tuple[int, bool], Value] = {}
        for node in list(graph.nodes):
            if node.op in ("MatMulFusion", "Gather") and node.name not in options.skip_quant_node:
                count += _quantize_node(graph, node, options, levels, problems)
    problems.raise_if_any()
    if not count:
        model.notes.append(Note("warning", "no product of matrices and no embedding: nothing was quantized"))


def _quantize_node(
    graph: Graph, node: Node, options: QuantOptions, levels: dict[tuple[int, bool], Value], problems: Problems
) -> bool:
    """One node; False when its operands stay float."""
    places = (0,) if node.op == "Gather" else _SIDES
    if any(_stays_float(node.inputs[place]) for place in places):
        return False
    for place in places:
        value = node.inputs[place]
        if value.const is None and node.op == "MatMulFusion":
            set_input(node, place, _dynamic(graph, node, place, options, levels))
        elif value.const is not None and not value.quant:
            _quantize_weight(node, place, options, problems)
    is_quantized = node.op == "MatMulFusion" or bool(node.inputs[0].quant)
    node.quant_type = QUANT_DYNAMIC if is_quantized else node.quant_type
    return is_quantized


def _stays_float(value: Value) -> bool:
    """Whether an operand is neither a float matrix nor one that was quantized for another node."""
    is_float = value.type.dtype is DType.FLOAT32 and len(value.type.shape or ()) >= _MATRIX
    return not is_float and not value.quant


def _quantize_weight(node: Node, place: int, options: QuantOptions, problems: Problems) -> None:
    """Store a constant in int8; what is not a reader like this one keeps the float constant."""
    value = node.inputs[place]
    numbers = value.const.array() if value.const is not None else np.zeros(0, np.float32)
    if not np.isfinite(numbers).all():
        message = f"weight {value.name!r} holds NaN or infinity, so it has no scale"
        problems.add(Problem("E401", message, node.origin.path, node=node.name, op=node.op))
        return
    readers = [user for user in dict.fromkeys(value.users) if user.op == node.op]
    is_product = node.op == "MatMulFusion"
    kept = SYMMETRIC if is_product else ASYMMETRIC
    if is_product and (len(value.users) > 1 or options.dynamic_strategy == "ACWL"):
        stored, params = per_layer(numbers, kept)
    else:
        stored, params = per_channel(numbers, channel_axis(node, value), kept, with_correction=False)
    name = value.name if len(readers) == len(value.users) else f"{value.name}_int8"
    twin = Value(name, TensorType(DType.INT8, value.type.shape), const=ArrayTensor.of(stored), layout=value.layout)
    twin.quant = params
    for reader in readers:
        for index, read in enumerate(reader.inputs):
            if read is value:
                set_input(reader, index, twin)


def _dynamic(
    graph: Graph, node: Node, place: int, options: QuantOptions, levels: dict[tuple[int, bool], Value]
) -> Value:
    """The int8 form of an activation; products that read it the same way share it."""
    value = node.inputs[place]
    is_transposed = bool(node.attrs.get("transpose_b" if place else "transpose_a"))
    by_rows = options.dynamic_strategy == "ACWL"
    # Rows of the left operand and columns of the right one are what a result belongs to.
    axis = (-2 if is_transposed else -1) if place else (-1 if is_transposed else -2)
    key = (id(value), by_rows and axis == -1)
    if key not in levels:
        attrs = defaults("DynamicQuant")
        if by_rows:
            attrs |= {"symmetric": True, "activation_channel": True, "prefer_axis": axis, "transpose": is_transposed}
        name = f"{node.name}_dynamic_cast_node_{place + 1}"
        made = Value(name, TensorType(DType.INT8, value.type.shape), layout=value.layout)
        cast = Node("DynamicQuant", name, node.origin.derived("quantize"), attrs=attrs, quant_type=QUANT_DYNAMIC)
        insert_before(graph, node, wire(cast, (value,), (made,)))
        levels[key] = made
    return levels[key]
