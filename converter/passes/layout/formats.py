"""Images reach convolutions and pooling in the format NHWC, also by ways on which only their data is in that order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Layout, TensorType, Value
from converter.ir.editing import insert_before, set_input
from converter.ops.context import constant
from converter.ops.formats import IMAGES, Formats, wrong_image
from converter.ops.lite_fields import lite_node

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
    """Put a Transpose in front of a reader that moves nothing."""
    shape, size = value.type.shape or (), value.type.size
    flat = _node(graph, reader, "Reshape", value, (1, 1, size), (1, 1, size))
    turned = _node(graph, reader, "Transpose", flat, (0, 2, 1), (1, size, 1))
    image = _node(graph, reader, "Reshape", turned, shape, shape)
    image.layout = Layout.NHWC
    for index in IMAGES[reader.op]:
        set_input(reader, index, image)


def _node(
    graph: Graph, reader: Node, op: str, source: Value, numbers: tuple[int, ...], shape: tuple[int, ...]
) -> Value:
    """A Reshape or Transpose in front of a reader."""
    name = f"{reader.name}/{op.lower()}_{'x'.join(map(str, shape))}"
    result = Value(name, TensorType(source.type.dtype, shape))
    argument = constant(f"{name}_argument", np.array(numbers, np.int32))
    insert_before(graph, reader, lite_node(op, name, reader.origin.derived(_MADE_BY), [source, argument], [result]))
    return result
