"""Which values are stored channels last, so that the fewest transposes are needed.

Every place where a node reads or writes a tensor of four axes asks for channels last, for channels first, or for
whatever the node as a whole gets; a value whose maker and readers disagree costs one Transpose per direction. The
cheapest answer is a minimum cut between the two layouts (source: first, sink: last).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.ir import Layout
from converter.ops.layouts import RANK, TO_NCHW, TO_NHWC
from converter.ops.lite_ops import LITE_OPS
from converter.passes.fold.constants import written_variables
from converter.passes.layout.axes import (
    can_move,
    is_image,
    is_single,
    keeps_order,
    permutation,
)
from converter.passes.layout.cut import INFINITE, SINK, SOURCE, Network

if TYPE_CHECKING:
    from converter.ir import Graph, Interface, Node, Value

FIRST, LAST = SOURCE, SINK
# The number of nodes decides; among as many, the number of elements that they move.
_NODE = 1 << 36
# A Transpose between the layouts: what it reads; stored so, it moves nothing.
_OF_PERMUTATION: dict[tuple[int, ...] | None, int] = {TO_NHWC: LAST, TO_NCHW: FIRST}


@dataclass
class Plan:
    """Labels of all graphs: `follow` are vertices of nodes that work either way, `last` all that turned out last.

    What a graph is given and what it returns have one layout for all its callers; `results` are vertices of the latter.
    """

    graphs: list[Graph]
    wanted: Interface
    network: Network = field(default_factory=Network)
    variables: set[int] = field(default_factory=set)
    follow: dict[int, int] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    results: dict[tuple[int, int], int] = field(default_factory=dict)
    last: set[int] = field(default_factory=set)

    def decide(self) -> None:
        """Label everything."""
        main, *called = self.graphs
        nodes = [node for graph in self.graphs for node in graph.nodes]
        self.variables = {key for graph in self.graphs for key in written_variables(graph)}
        given = _label(self.wanted.input_layout)
        self.stored.update((id(value), given) for value in main.inputs if is_image(value))
        self.stored.update((id(v), self.network.vertex()) for graph in called for v in graph.inputs if is_image(v))
        for node in nodes:
            self._add(node)
        wishes: dict[int, tuple[Value, list[int]]] = {}
        for node in nodes:
            for index, value in enumerate(node.inputs):
                wish = self.wish(node, index)
                if wish is not None and id(value) in self.stored:
                    wishes.setdefault(id(value), (value, []))[1].append(wish)
                    if index in LITE_OPS[node.op].writes:
                        self._tie(self.stored[id(value)], wish)
        for graph in self.graphs:
            self._add_results(graph, wishes)
        for node in nodes:
            self._tie_call(node)
        for value, asked in wishes.values():
            self._charge(value, self.stored[id(value)], set(asked))
        self.last = self.network.sink_side()

    def _add_results(self, graph: Graph, wishes: dict[int, tuple[Value, list[int]]]) -> None:
        """Results of the model are as the user asks, those of other graphs as their callers like.

        What a graph returns from a call, or as it was given, cannot be moved on the way.
        """
        for index, value in enumerate(graph.outputs):
            if not is_image(value):
                continue
            is_main = graph is self.graphs[0]
            own = _label(self.wanted.output_layout) if is_main else self.network.vertex()
            self.results[id(graph), index] = own
            if value.producer is not None and value.producer.op != "Call":
                wishes.setdefault(id(value), (value, []))[1].append(own)
            elif value.producer is not None or not is_main:
                self._tie(self.stored.get(id(value), FIRST), own)

    def _tie_call(self, node: Node) -> None:
        """A call has the results that the graphs it runs return."""
        for graph in called_graphs(node):
            for index, value in enumerate(node.outputs):
                if id(value) in self.stored:
                    self._tie(self.stored[id(value)], self.results.get((id(graph), index), FIRST))

    def is_last(self, value: Value) -> bool:
        """Whether a value is stored channels last."""
        return self.stored.get(id(value), FIRST) in self.last

    def returns_last(self, graph: Graph, index: int) -> bool:
        """Whether a graph returns a result channels last."""
        return self.results.get((id(graph), index), FIRST) in self.last

    def works_last(self, node: Node) -> bool:
        """Whether a node that can work either way works channels last."""
        return self.follow.get(id(node), FIRST) in self.last

    def wants_last(self, node: Node, index: int) -> bool | None:
        """Whether a node reads an input channels last; None when it takes what it gets."""
        wish = self.wish(node, index)
        return None if wish is None else wish in self.last

    def wish(self, node: Node, index: int) -> int | None:
        """The vertex whose label an input must have; None when the node takes what it gets."""
        value, lite = node.inputs[index], LITE_OPS.get(node.op)
        if not is_image(value) or lite is None:
            return FIRST if is_image(value) else None
        if node.graphs:
            return self.stored.get(id(node.graphs[0].inputs[index]), FIRST)
        if node.op == "Transpose":
            return _OF_PERMUTATION.get(permutation(node))
        if lite.is_linear:
            return None if _is_still(value) else FIRST
        if index in lite.nhwc or index in lite.kernels:
            return LAST
        return self.follow.get(id(node), FIRST)

    def _add(self, node: Node) -> None:
        """Vertices of a node, of the values that it makes, and of the variables that it reads."""
        lite = LITE_OPS.get(node.op)
        moves = lite is not None and (_follows(node) if lite.follows else bool(lite.axes or lite.per_axis))
        if lite is not None and moves and (lite.follows or can_move(node, lite)):
            self.follow[id(node)] = self.network.vertex()
            self._charge_alignment(node)
        for index, value in enumerate(node.outputs):
            if is_image(value):
                is_bound = lite is not None and index in lite.nhwc_outputs
                self.stored[id(value)] = LAST if is_bound else self._made(node, value)
        for value in node.inputs:
            if id(value) in self.variables and is_image(value) and id(value) not in self.stored:
                self.stored[id(value)] = self.network.vertex()

    def _made(self, node: Node, value: Value) -> int:
        """The vertex of an output that no kernel binds."""
        if node.op == "Call":
            return self.network.vertex()
        if node.op == "Transpose":
            perm = permutation(node)
            return LAST if perm == TO_NCHW else FIRST if perm in (TO_NHWC, None) else self.network.vertex()
        if node.op == "Reshape" and _is_still(value) and value.type.is_static:
            return self.follow.setdefault(id(node), self.network.vertex())
        return self.follow.get(id(node), FIRST)

    def _charge_alignment(self, node: Node) -> None:
        """An operand of fewer axes needs a node of its own when the others are channels last, unless it is constant."""
        for value in node.inputs:
            if not is_image(value) and not is_single(value) and self._is_computed(value):
                self.network.edge(FIRST, self.follow[id(node)], _NODE)

    def _is_computed(self, value: Value) -> bool:
        return value.const is None or id(value) in self.variables

    def _tie(self, one: int, other: int) -> None:
        """Let two vertices have the same label."""
        self.network.edge(one, other, INFINITE)
        self.network.edge(other, one, INFINITE)

    def _charge(self, value: Value, own: int, asked: set[int]) -> None:
        """One Transpose per value and direction, however many readers need it."""
        asked.discard(own)
        if not asked:
            return
        price = _NODE + (value.type.size if value.type.is_static else 0)
        if len(asked) == 1:
            (only,) = asked
            self.network.edge(own, only, price)
            self.network.edge(only, own, price)
            return
        there, back = self.network.vertex(), self.network.vertex()
        self.network.edge(own, there, price)
        self.network.edge(back, own, price)
        for each in sorted(asked):
            self.network.edge(there, each, INFINITE)
            self.network.edge(each, back, INFINITE)


def _label(layout: Layout) -> int:
    """The vertex that stands for a layout."""
    return LAST if layout is Layout.NHWC else FIRST


def called_graphs(node: Node) -> list[Graph]:
    """The graphs that a Call may run."""
    function = node.inputs[0].producer if node.op == "Call" else None
    if function is None:
        return []
    binders = [value.producer for value in function.inputs[1:]] if function.op == "Switch" else [function]
    return [graph for binder in binders if binder is not None for graph in binder.graphs]


def _is_still(value: Value) -> bool:
    """Whether both layouts of the value have their elements in the same order."""
    return keeps_order(value.type.shape or (), TO_NHWC)


def _follows(node: Node) -> bool:
    """Whether an element-wise node has four axes, and operands that can be brought in line with them."""
    fixed = (*node.outputs, *(node.inputs[place] for place in LITE_OPS[node.op].writes))
    if not any(is_image(value) for value in node.inputs):
        return False
    if not all(is_image(value) or is_single(value) for value in fixed):
        return False
    return all(
        is_image(value) or is_single(value) or (value.type.is_static and len(value.type.shape or ()) < RANK)
        for value in node.inputs
    )
