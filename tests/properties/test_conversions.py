"""Whole conversions: a damaged model is refused in the user's words, and layout never changes what is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import lite, model, numbered, value
from support.mindir import node_of, parsed, written
from support.passes import assert_same_numbers, run_tiny
from support.refusals import refusals
from support.zoo import LENET, LENET_INFERENCE, Recording

from converter.api import convert
from converter.errors import ConversionError
from converter.options import ConvertOptions
from converter.passes.layout.channels_last import channels_last
from converter.passes.schedule.names import name_everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import ModelProto
    from converter.ir import Model, Node, Value

EDITS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 996), st.integers(0, 996)), min_size=1, max_size=3)


def edit(proto: ModelProto, kind: int, first: int, second: int) -> None:
    """One change of operators, inputs, attributes, shapes or types; the file stays well formed."""
    graph, pool = proto.graph, proto.primitives
    node, other = (graph.node[place % len(graph.node)] for place in (first, second))
    primitive = pool[first % len(pool)]
    if kind == 0:
        primitive.op_type = "Unheard" + primitive.op_type
    elif kind == 1 and primitive.attribute:
        del primitive.attribute[second % len(primitive.attribute)]
    elif kind == 2 and primitive.attribute:
        primitive.attribute[second % len(primitive.attribute)].name = "unheard"
    elif kind == 3 and node.input and other.output:
        node.input[second % len(node.input)] = other.output[0]
    elif kind == 4:
        dims = graph.parameter[first % len(graph.parameter)].dims
        dims[:] = [*reversed(dims)]


@pytest.mark.parametrize("recording", [LENET, Recording("ms270", "lenet_infer")], ids=str)
@given(edits=EDITS)
@settings(max_examples=40)
def test_a_changed_model_is_converted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, recording: Recording, edits: list[tuple[int, int, int]]
) -> None:
    proto = parsed(recording)
    for one in edits:
        edit(proto, *one)
    path = written(proto, tmp_path_factory.getbasetemp(), "changed.mindir")
    problems = refusals(lambda: convert(path, ConvertOptions(train=recording.is_training)))
    assert [str(problem) for problem in problems if problem.code in ("E901", "E902")] == []
    assert {problem.path for problem in problems} <= {str(path)}


@pytest.mark.parametrize("op", ["Conv2D", "MatMul", "ApplyMomentum", "Load"])
def test_an_operator_with_too_few_inputs_is_not_our_bug(tmp_path: Path, op: str) -> None:
    proto = parsed(LENET)
    del node_of(proto.graph, op, proto).input[0 if op == "Load" else 1 :]
    with pytest.raises(ConversionError) as caught:
        convert(written(proto, tmp_path), ConvertOptions(train=True))
    assert {problem.code for problem in caught.value.problems}.isdisjoint({"E901"})


SHAPE = (2, 3, 5, 7)
PERMUTATIONS = st.permutations(range(4)).map(tuple)
AXES = st.sets(st.integers(0, 3), min_size=1, max_size=3).map(lambda axes: tuple(sorted(axes)))


@st.composite
def image_graphs(draw: Callable[..., Any]) -> Model:
    """Random operators over images, without those that the device computes channels last only."""
    x, y = value("x", *SHAPE), value("y", *SHAPE)
    known: list[Value] = [x, y]
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, 7))):
        source = draw(st.sampled_from(known))
        shape = source.type.shape or ()
        kind = draw(st.sampled_from(["unary", "binary", "constant", "transpose", "reduce", "expand"]))
        made = random_node(draw, kind, f"n{index}", source, [each for each in known if each.type.shape == shape])
        nodes.append(made)
        known += [each for each in made.outputs if each.type.rank == len(SHAPE)]
    return model(nodes, [x, y], [each.outputs[0] for each in nodes[-2:]])


def random_node(draw: Callable[..., Any], kind: str, name: str, source: Value, alike: list[Value]) -> Node:
    shape = source.type.shape or ()
    if kind == "binary":
        return lite("AddFusion", [source, draw(st.sampled_from(alike))], [value(name, *shape)], name)
    if kind == "constant":
        sizes = tuple(dim if draw(st.booleans()) else 1 for dim in shape)
        numbers = np.random.default_rng(7).normal(size=sizes).astype(np.float32)
        return lite("MulFusion", [source, numbered(f"{name}.c", numbers)], [value(name, *shape)], name)
    if kind == "transpose":
        perm = draw(PERMUTATIONS)
        result = value(name, *(shape[axis] for axis in perm))
        return lite("Transpose", [source, numbered(f"{name}.perm", np.array(perm, np.int32))], [result], name)
    if kind == "reduce":
        axes = draw(AXES)
        result = value(name, *(1 if axis in axes else dim for axis, dim in enumerate(shape)))
        operands = [source, numbered(f"{name}.axes", np.array(axes, np.int32))]
        return lite("ReduceFusion", operands, [result], name, mode=4, keep_dims=True, coeff=1.0)
    return lite("Abs", [source], [value(name, *shape)], name)


@given(image_graphs())
@settings(max_examples=60)
def test_layout_keeps_results(each: Model) -> None:
    name_everything(each)
    before = run_tiny(each)
    assert before is not None
    channels_last(each)
    name_everything(each)
    assert_same_numbers(run_tiny(each), before)


def test_the_inference_model_is_not_touched_by_a_conversion() -> None:
    data = LENET_INFERENCE.model.read_bytes()
    convert(LENET_INFERENCE.model, ConvertOptions())
    assert LENET_INFERENCE.model.read_bytes() == data
