"""Wiring changes keep producers, users and node lists consistent, in any sequence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.graphs import chain, node, value

from converter.ir import Graph, Model, Node, Stage
from converter.ir.editing import insert_after, insert_before, remove, replace_uses, set_input, wire
from converter.ir.verifier import problems_of

NUMBERS = st.integers(0, 10**6)


def check_uses(graph: Graph, others: list[Node]) -> None:
    """Every use list is what the inputs say, counted; every producer is who lists the output."""
    nodes = [*graph.nodes, *others]
    values = {id(v): v for each in nodes for v in (*each.inputs, *each.outputs)}
    for each in values.values():
        uses = [id(user) for user in nodes for used in user.inputs if used is each]
        assert sorted(id(user) for user in each.users) == sorted(uses)
        makers = [maker for maker in nodes if any(out is each for out in maker.outputs)]
        assert [each.producer] == makers if makers else each.producer is None


def apply(graph: Graph, kind: int, first: int, second: int) -> None:
    """One random legal edit: readers stay behind makers."""
    place = first % len(graph.nodes)
    target = graph.nodes[place]
    made = [*graph.inputs, *(out for earlier in graph.nodes[:place] for out in earlier.outputs)]
    chosen = made[second % len(made)]
    if kind == 0:
        set_input(target, second % len(target.inputs), chosen)
    elif kind == 1:
        insert_before(graph, target, node("Abs", [chosen], name=f"n{first}_{second}"))
    elif kind == 2:
        insert_after(graph, target, node("Abs", [target.outputs[0]], name=f"n{first}_{second}"))
    elif kind == 3:
        replace_uses(graph, target.outputs[0], chosen)
    elif kind == 4 and len(graph.nodes) > 1:
        replace_uses(graph, target.outputs[0], chosen)
        remove(graph, [target])
    elif kind == 5:
        replace_uses(graph, target.outputs[0], chosen, only=target.outputs[0].users[:1])
    elif kind == 6:
        wire(target, [chosen, chosen])


@given(st.lists(st.tuples(st.integers(0, 6), NUMBERS, NUMBERS), max_size=17))
def test_use_lists_never_drift(edits: list[tuple[int, int, int]]) -> None:
    graph = chain(5)
    for kind, first, second in edits:
        apply(graph, kind, first, second)
    check_uses(graph, [])
    assert problems_of(Model([graph], Stage.LITE)) == []


def test_replacing_uses_counts_edges_and_moves_graph_outputs() -> None:
    graph = chain(3)
    first, second, third = graph.nodes
    wire(third, [second.outputs[0], second.outputs[0]])
    graph.outputs[:] = [second.outputs[0], third.outputs[0]]
    assert replace_uses(graph, second.outputs[0], first.outputs[0]) == 3
    assert [each.name for each in third.inputs] == ["n0", "n0"]
    assert graph.outputs == [first.outputs[0], third.outputs[0]]
    assert second.outputs[0].users == []


def test_replacing_uses_of_some_readers_leaves_graph_outputs() -> None:
    graph = chain(3)
    first, second, third = graph.nodes
    graph.outputs[:] = [second.outputs[0]]
    assert replace_uses(graph, second.outputs[0], first.outputs[0], only=[third]) == 1
    assert graph.outputs == [second.outputs[0]]


def test_removing_a_node_hands_its_order_on() -> None:
    graph = chain(4)
    first, second, third, fourth = graph.nodes
    wire(fourth, [graph.inputs[0]])
    wire(third, [graph.inputs[0]])
    second.after, third.after, fourth.after = (first,), (second,), (third, second)
    remove(graph, [second, third])
    assert graph.nodes == [first, fourth]
    assert [each.name for each in fourth.after] == ["n0"]
    assert first.outputs[0].users == []


def test_removing_nothing_changes_nothing() -> None:
    graph = chain(2)
    before = list(graph.nodes)
    remove(graph, [])
    assert graph.nodes == before


def test_rewiring_outputs_frees_the_old_ones() -> None:
    graph = chain(1)
    (only,) = graph.nodes
    old, new = only.outputs[0], value("new", 2, 3)
    wire(only, only.inputs, [new])
    assert (old.producer, new.producer) == (None, only)
