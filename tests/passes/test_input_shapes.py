"""`--inputShape`: every shape that follows becomes known; rules against the shapes that MindSpore itself wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import constant, model, node, value
from support.refusals import refusals

from converter.ir import DType, Graph, Model, Stage
from converter.mindir.frontend import read_mindir
from converter.ops.shape_rules import shape_rule
from converter.passes.base import Modes
from converter.passes.normalize.input_shapes import set_input_shapes
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes

if TYPE_CHECKING:
    from converter.ir import Node

ZOO = Path(__file__).resolve().parents[1] / "zoo"
DYNAMIC = sorted(ZOO.glob("flow/*/dynamic_*.mindir"))
RECORDED = sorted([*ZOO.glob("data/ms162/*.mindir"), *ZOO.glob("data/ms270/layer_*.mindir")])


def asked(made: Model, **shapes: tuple[int, ...]) -> Model:
    """The model with dimensions asked for."""
    made.wanted = replace(made.wanted, shapes=shapes)
    return made


def dense(*shape: int) -> Model:
    """A product of an input with a weight [5, 7]."""
    x, weight = value("x", *shape), constant("weight", 5, 7)
    product = node("MatMul", [x, weight], [value("y", -1, 7)], {"transpose_a": False, "transpose_b": False})
    return model([product], [x], product.outputs, Stage.SOURCE)


@pytest.mark.parametrize("file", DYNAMIC, ids=lambda file: f"{file.parent.name}-{file.stem}")
@pytest.mark.parametrize("run", [0, 1])
def test_a_network_becomes_one_of_known_shapes(file: Path, run: int) -> None:
    found = read_mindir(file)
    with np.load(file.with_suffix(".npz")) as recorded:
        inputs = {each.name: recorded[f"run{run}/in{i}"].shape for i, each in enumerate(found.main.inputs)}
        outputs = [recorded[f"run{run}/out{i}"].shape for i in range(len(found.main.outputs))]
    run_passes(asked(found, **inputs), PIPELINE, modes=Modes.INFERENCE, verify_each=True)
    values = [each for graph in found.graphs for made in graph.nodes for each in made.outputs]
    assert all(each.type.is_static for each in values)
    assert [each.type.shape for each in found.main.outputs] == outputs
    assert not any(made.op == "Shape" for made in found.main.nodes)


def operators(file: Path) -> list[Node]:
    """Nodes of known shapes that are not part of a gradient."""
    nodes = [each for graph in read_mindir(file).graphs for each in graph.nodes if "Grad" not in each.op]
    return [each for each in nodes if all(v.type.is_static for v in (*each.inputs, *each.outputs))]


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_rules_agree_with_mindspore(file: Path) -> None:
    for each in operators(file):
        rule = shape_rule(each.op)
        if rule is None or each.op.startswith("Assign"):
            continue
        for made, shape in zip(each.outputs, rule(each), strict=False):
            assert shape in (None, made.type.shape), each


def test_an_input_may_be_given_as_it_is() -> None:
    made = dense(3, 5)
    assert not set_input_shapes(asked(made, x=(3, 5)))
    assert set_input_shapes(asked(dense(-1, 5), x=(3, 5)))


@pytest.mark.parametrize(
    ("name", "dims", "words"),
    [
        ("z", (3, 5), "does not exist"),
        ("x", (3, 5, 1), "has 2 dimensions, not 3"),
        ("x", (3, 11), "has the fixed dimensions float32[?,5], not [3, 11]"),
    ],
)
def test_dimensions_that_the_input_does_not_have_are_refused(name: str, dims: tuple[int, ...], words: str) -> None:
    made = asked(dense(-1, 5), **{name: dims})
    (problem,) = refusals(lambda: set_input_shapes(made))
    assert (problem.code, "x: float32[?,5]" in str(problem.hint)) == ("E204", True)
    assert words in problem.message


def test_dimensions_that_do_not_fit_together_are_refused_where_they_meet() -> None:
    x, y = value("x", -1, 5), value("y", -1, 5)
    both = node("Add", [x, y], [value("sum", -1, 5)], name="sum")
    made = asked(model([both], [x, y], both.outputs, Stage.SOURCE), x=(3, 5), y=(7, 5))
    (problem,) = refusals(lambda: set_input_shapes(made))
    assert (problem.code, problem.node) == ("E204", "sum")
    assert "[3, 7]" in problem.message


def test_an_operator_without_a_rule_is_named() -> None:
    x = value("x", -1, 5)
    odd = node("Odd", [x], [value("y", -1)], name="odd")
    (problem,) = refusals(lambda: set_input_shapes(asked(model([odd], [x], odd.outputs, Stage.SOURCE), x=(3, 5))))
    assert (problem.code, problem.node) == ("E204", "odd")


def test_a_graph_that_is_called_gets_the_shapes_of_its_arguments() -> None:
    x, inner = value("x", -1, 5), value("inner", -1, 5)
    square = node("Square", [inner], [value("square", -1, 5)])
    graph = Graph("subgraph1", [inner], list(square.outputs), [square])
    bound = node("Partial", [x], [value("bound")], name="bound")
    bound.graphs = (graph,)
    call = node("call", bound.outputs, [value("y", -1, 5)], name="call")
    made = asked(model([bound, call], [x], call.outputs, Stage.SOURCE), x=(3, 5))
    made.graphs.append(graph)
    assert set_input_shapes(made)
    assert square.outputs[0].type.shape == call.outputs[0].type.shape == (3, 5)


def test_arithmetic_on_dimensions_becomes_numbers() -> None:
    x = value("x", -1, 6)
    dims = [value("rows", dtype=DType.INT64), value("columns", dtype=DType.INT64)]
    shape = node("Shape", [x], dims)
    product = node("ScalarMul", dims, [value("count", dtype=DType.INT64)])
    flat = node("Reshape", [x, product.outputs[0]], [value("flat", -1)])
    made = asked(model([shape, product, flat], [x], flat.outputs, Stage.SOURCE), x=(5, 6))
    assert set_input_shapes(made)
    assert flat.outputs[0].type.shape == (30,)
    literal: Any = flat.inputs[1].const
    assert int(literal.array()) == 30
