"""The format (order of axes) that the device gives every tensor while it infers shapes.

Only those of graph inputs and constants are read from the file; all others follow the data, and a convolution or
pooling whose image does not come out as NHWC is refused. Source: inference functions of the device's kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Layout
from converter.ops.layouts import RANK, TO_NCHW, TO_NHWC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.ir import Graph, Node, Value

# Operators that demand NHWC: the inputs that are images.
IMAGES: Mapping[str, tuple[int, ...]] = {
    "Conv2DFusion": (0,),
    "Conv2dTransposeFusion": (0,),
    "MaxPoolFusion": (0,),
    "AvgPoolFusion": (0,),
    "FusedBatchNorm": (0,),
}
_NHWC_MAKERS = frozenset({*IMAGES, "Conv2DBackpropInputFusion", "Resize"} - {"FusedBatchNorm"})
_BINARY = frozenset(
    {"AddFusion", "BiasAdd", "FloorDiv", "FloorMod", "LogicalAnd", "LogicalOr", "Maximum", "Minimum", "Mod"}
    | {"MulFusion", "RealDiv", "SquaredDifference", "SubFusion"}
)
_TOKENS = (0, 2, 1)


class Formats:
    """Formats of one graph, as it is when they are asked for."""

    def __init__(self, graph: Graph) -> None:
        """Know nothing yet."""
        self.inside = set(map(id, graph.nodes))
        self.known: dict[int, Layout] = {}

    def of(self, value: Value) -> Layout:
        """The format that the device infers."""
        chain = []
        for each in self.chain(value):
            if id(each) in self.known:
                break
            chain.append(each)
        else:
            first = chain.pop()
            is_made = first.producer is not None and first.producer.op in _NHWC_MAKERS
            self.known[id(first)] = Layout.NHWC if is_made else first.layout
            each = first
        layout = self.known[id(each)]
        for each in reversed(chain):
            layout = self.known[id(each)] = _behind(each.producer, layout)
        return layout

    def chain(self, value: Value) -> list[Value]:
        """The values from which this one has its format, itself first, the one with a format of its own last."""
        found, seen = [value], {id(value)}
        while (source := self._source(found[-1])) is not None and id(source) not in seen:
            found.append(source)
            seen.add(id(source))
        return found

    def _source(self, value: Value) -> Value | None:
        """The input that a value has its format from; None when it has one of its own."""
        node = value.producer
        if node is None or id(node) not in self.inside or not node.inputs or node.op in _NHWC_MAKERS:
            return None
        if node.op == "Select":
            return node.inputs[min(1, len(node.inputs) - 1)]
        if node.op in _BINARY and len(node.inputs) > 1:
            first, second = node.inputs[:2]
            return second if first.is_const or (first.type.rank or 0) < (second.type.rank or 0) else first
        return node.inputs[0]


def _behind(node: Node | None, layout: Layout) -> Layout:
    """The format behind a node, of that before it: a Transpose between the two orders changes it."""
    if node is None or node.op != "Transpose" or len(node.inputs) < 2 or node.inputs[1].const is None:  # noqa: PLR2004
        return layout
    perm = tuple(int(axis) for axis in node.inputs[1].const.array().reshape(-1))
    if perm == _TOKENS:
        return Layout.NHWC if layout is Layout.NCHW else Layout.NCHW
    if perm == TO_NHWC and layout is Layout.NCHW:
        return Layout.NHWC
    return Layout.NCHW if perm == TO_NCHW and layout in (Layout.NHWC, Layout.KHWC) else layout


def wrong_image(formats: Formats, node: Node) -> Value | None:
    """The image that a node would refuse to read; None when there is none."""
    for index in IMAGES.get(node.op, ()):
        if index < len(node.inputs):
            value = node.inputs[index]
            if value.type.rank == RANK and formats.of(value) is not Layout.NHWC:
                return value
    return None
