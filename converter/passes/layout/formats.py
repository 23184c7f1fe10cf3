"""Images reach convolutions and pooling in the format NHWC, also by ways on which only their data is in that order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Layout, TensorType, Value
from converter.ir.editing import insert_before, remove, set_input
from converter.ops.context import constant
from converter.ops.formats import IMAGES, Formats, wrong_image
from converter.ops.layouts import TO_NHWC
from converter.ops.lite_fields import lite_node
from converter.passes.layout.axes import keeps_order

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node

_MADE_BY = "settle-formats"


def settle_formats(model: Model) -> bool:
    """Let the device infer NHWC for every image that must be.

    Usually the format comes from a constant (a class token in front of the others, say), and that can say NHWC. Else
    the image is turned as [1, 1, N] into [1, N, 1], which moves nothing and changes the format that is inferred.
    """
    changed = False
    for graph in model.graphs:
        formats = Formats(graph)
        for node in list(graph.nodes):
            value = wrong_image(formats, node)
            if value is None:
                continue
            source = formats.chain(value)[-1]
            if source.const is not None and source.layout is not Layout.NHWC:
                source.layout = Layout.NHWC
                formats = Formats(graph)
            if wrong_image(formats, node) is not None and value.type.is_static:
                _turn(graph, node, value)
            changed = True
    return changed


def _turn(graph: Graph, reader: Node, value: Value) -> None:
    """Put a Transpose that moves nothing in front of a reader, in place of the Reshape that is there, if one is."""
    shape, size, maker = value.type.shape or (), value.type.size, value.producer
    is_spare = maker is not None and maker.op == "Reshape" and not _is_read_by_others(graph, value, reader)
    x = maker.inputs[0] if maker is not None and is_spare else value
    n, height, width, channels = shape
    still: tuple[int, ...] = (n, channels, height, width)
    is_still = keeps_order(still, TO_NHWC)
    before, order, behind = (still, TO_NHWC, shape) if is_still else ((1, 1, size), (0, 2, 1), (1, size, 1))
    if x.type.shape != before:
        x = _node(graph, reader, "Reshape", x, before, before)
    image = _node(graph, reader, "Transpose", x, order, behind)
    if behind != shape:
        image = _node(graph, reader, "Reshape", image, shape, shape)
    image.layout = Layout.NHWC
    for index in IMAGES[reader.op]:
        set_input(reader, index, image)
    if maker is not None and is_spare:
        remove(graph, [maker])


def _is_read_by_others(graph: Graph, value: Value, reader: Node) -> bool:
    """Whether a value is needed when `reader` has been given another one."""
    is_output = any(each is value for each in graph.outputs)
    return is_output or any(user is not reader for user in value.users) or len(IMAGES[reader.op]) < len(value.users)


def _node(
    graph: Graph, reader: Node, op: str, source: Value, numbers: tuple[int, ...], shape: tuple[int, ...]
) -> Value:
    """A Reshape or Transpose in front of a reader."""
    name = f"{reader.name}/{op.lower()}_{'x'.join(map(str, shape))}"
    result = Value(name, TensorType(source.type.dtype, shape))
    argument = constant(f"{name}_argument", np.array(numbers, np.int32))
    insert_before(graph, reader, lite_node(op, name, reader.origin.derived(_MADE_BY), [source, argument], [result]))
    return result
