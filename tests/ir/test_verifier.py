"""The verifier finds each kind of damage."""

from __future__ import annotations

from support.graphs import chain, constant, node

from converter.ir import Graph, Model, Origin, Stage
from converter.ir.editing import set_input
from converter.ir.verifier import problems_of


def problems(graph: Graph) -> list[str]:
    return problems_of(Model([graph], Stage.LITE))


def test_a_sound_graph_has_no_problems() -> None:
    assert problems(chain(3)) == []


def test_a_reader_that_is_not_in_the_use_list() -> None:
    graph = chain(2)
    graph.inputs[0].users.clear()
    assert problems(graph) == ["tiny: <Abs n0> is no user of its input 'x'"]


def test_an_output_that_another_node_claims() -> None:
    graph = chain(2)
    graph.nodes[0].outputs[0].producer = graph.nodes[1]
    assert "tiny: <Abs n0> does not make its output 'n0'" in problems(graph)


def test_nodes_in_the_wrong_order() -> None:
    graph = chain(2)
    graph.nodes.reverse()
    assert problems(graph) == ["tiny: <Abs n1> stands before <Abs n0>, which makes its input 'n0'"]


def test_a_node_that_stands_in_the_list_twice() -> None:
    graph = chain(2)
    graph.nodes.append(graph.nodes[0])
    assert "tiny: a node stands in the list twice" in problems(graph)


def test_an_output_of_the_graph_whose_maker_is_gone() -> None:
    graph = chain(2)
    graph.nodes.pop()
    assert "tiny: output 'n1': it is made by a node that is not in the graph" in problems(graph)


def test_an_input_whose_maker_is_gone() -> None:
    graph = chain(3)
    graph.nodes.pop(1)
    assert "tiny: <Abs n2> reads 'n1': it is made by a node that is not in the graph" in problems(graph)


def test_an_input_that_nothing_makes() -> None:
    graph = chain(2)
    graph.inputs.clear()
    assert "tiny: <Abs n0> reads 'x': nothing makes it" in problems(graph)


def test_an_output_that_is_a_constant() -> None:
    graph = chain(1)
    graph.nodes[0].outputs[0].const = constant("c", 2, 3).const
    assert "tiny: output 'n0' of <Abs n0> is a constant" in problems(graph)


def test_a_node_without_an_origin() -> None:
    graph = chain(1)
    graph.nodes[0].origin = Origin()
    assert problems(graph) == ["tiny: <Abs n0> does not say where it comes from"]


def test_an_order_after_a_node_that_is_gone() -> None:
    graph = chain(2)
    graph.nodes[1].after = (node("Abs", [graph.inputs[0]], name="gone"),)
    assert "tiny: <Abs n1> waits for <Abs gone>, which is not in the graph" in problems(graph)


def test_a_branch_may_read_what_the_graph_around_it_has() -> None:
    outer, inner = chain(2), chain(1)
    set_input(inner.nodes[0], 0, outer.nodes[0].outputs[0])
    assert problems_of(Model([outer, inner], Stage.LITE)) == []


def test_problems_name_the_graph() -> None:
    first, second = chain(1), chain(1)
    second.name = "branch"
    second.nodes[0].origin = Origin()
    assert problems_of(Model([first, second], Stage.LITE)) == ["branch: <Abs n0> does not say where it comes from"]
