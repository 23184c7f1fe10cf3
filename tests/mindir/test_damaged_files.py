"""Files that are no MindIR, or were damaged: one located message each, and nothing but `ConversionError`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mindir import node_of, only_problem, parsed, problems_of, written
from support.refusals import refusals
from support.zoo import BRANCHES, LENET_INFERENCE, SPLIT, Recording

from converter._generated.mind_ir_pb2 import ModelProto
from converter.ir.printer import model_text
from converter.mindir.frontend import read_mindir
from converter.mindir.wire import fields

if TYPE_CHECKING:
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import GraphProto

SMALL = BRANCHES[1]
VERSION_3 = Recording("ms270", "lenet_infer")
NAME_OF_BRANCH = 9


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    message = "the model file cannot be read: No such file or directory"
    assert only_problem(tmp_path / "none.mindir") == ("E301", message)


def test_a_directory_is_no_model(tmp_path: Path) -> None:
    assert only_problem(tmp_path) == ("E301", "the model file cannot be read: Is a directory")


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "net.mindir"
    path.write_bytes(b"")
    assert only_problem(path) == ("E302", "the model file is empty")


def test_an_encrypted_file_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "net.mindir"
    path.write_bytes(b"\xd8\x5e\x3a\x7f" + random.Random(7).randbytes(1009))  # noqa: S311 - a repeatable file
    assert only_problem(path) == ("E304", "the model is encrypted")


@pytest.mark.parametrize("version", range(4))
def test_versions_0_to_3_are_read(tmp_path: Path, version: int) -> None:
    proto = parsed(VERSION_3)
    proto.mind_ir_version = version
    model = read_mindir(written(proto, tmp_path))
    assert model.version == str(version)
    assert model_text(model) == model_text(read_mindir(VERSION_3.model))


@pytest.mark.parametrize("version", [4, 5, 1 << 40, -1])
def test_other_versions_are_refused(tmp_path: Path, version: int) -> None:
    proto = parsed(VERSION_3)
    proto.mind_ir_version = version
    path = written(proto, tmp_path)
    assert only_problem(path) == ("E303", f"MindIR version {version} is not known; known are 0 to 3")


def test_big_endian_weights_are_refused(tmp_path: Path) -> None:
    proto = parsed(LENET_INFERENCE)
    proto.little_endian = False
    assert only_problem(written(proto, tmp_path)) == ("E302", "the weights are big-endian")


@pytest.mark.parametrize("proto", [ModelProto(), ModelProto(producer_name="x"), ModelProto(graph={"name": "g"})])
def test_a_message_without_a_graph_is_no_model(tmp_path: Path, proto: ModelProto) -> None:
    proto.mind_ir_version = 1
    assert only_problem(written(proto, tmp_path)) == ("E302", "not a MindIR model: it holds no graph")


def test_a_name_that_nothing_defines_is_reported_with_its_reader(tmp_path: Path) -> None:
    proto = parsed(LENET_INFERENCE)
    node = node_of(proto.graph, "Conv2D", proto)
    node.input[0] = "graph:nobody"
    (problem,) = problems_of(written(proto, tmp_path))[:1]
    assert (problem.code, problem.node) == ("E305", node.domain)
    assert problem.message == "reads 'nobody', which the file does not define"


def test_a_missing_name_is_one_problem_and_not_one_for_each_follower(tmp_path: Path) -> None:
    proto = parsed(LENET_INFERENCE)
    node_of(proto.graph, "Conv2D", proto).input[0] = "graph:nobody"
    assert [problem.message for problem in problems_of(written(proto, tmp_path))] == [
        "reads 'nobody', which the file does not define"
    ]


def test_a_name_that_is_defined_twice_is_reported(tmp_path: Path) -> None:
    proto = parsed(LENET_INFERENCE)
    node = node_of(proto.graph, "ReLU", proto)
    proto.graph.node.append(node)
    (problem,) = problems_of(written(proto, tmp_path))
    assert (problem.code, problem.message) == (
        "E305",
        f"the name {node.output[0].partition(':')[2]!r} is defined twice",
    )


def test_an_operator_that_is_not_in_the_pool_is_reported(tmp_path: Path) -> None:
    proto = parsed(LENET_INFERENCE)
    node = node_of(proto.graph, "ReLU", proto)
    node.op_type = "REF::nobody"
    problem = problems_of(written(proto, tmp_path))[0]
    assert (problem.code, problem.message) == ("E305", "calls 'nobody', which the file does not define")
    assert problem.node == node.domain


@pytest.mark.parametrize("data_type", [0, 14, 15, 18, 99])
def test_an_unknown_type_of_a_weight_is_reported_by_its_name(tmp_path: Path, data_type: int) -> None:
    proto = parsed(LENET_INFERENCE)
    parameter = proto.graph.parameter[0]
    parameter.data_type = data_type
    problem = problems_of(written(proto, tmp_path))[0]
    name = parameter.name.partition(":")[2] or parameter.name
    assert (problem.code, problem.message) == ("E302", f"{name!r} cannot be read: tensor data type {data_type}")


@pytest.mark.parametrize("extra", [-4, -1, 1, 4])
def test_a_weight_with_too_many_or_too_few_bytes_is_reported(tmp_path: Path, extra: int) -> None:
    proto = parsed(LENET_INFERENCE)
    parameter = next(each for each in proto.graph.parameter if each.name.endswith("conv1.weight"))
    parameter.raw_data = bytes(600 + extra)
    problem = problems_of(written(proto, tmp_path))[0]
    assert problem.code == "E302"
    assert problem.message == f"'conv1.weight': has {600 + extra} bytes, its type float32[6,1,5,5] needs 600"


def steps(size: int, count: int) -> range:
    """About `count` lengths below `size`."""
    return range(1, size, max(size // count, 1))


@pytest.mark.parametrize("recording", [SMALL, LENET_INFERENCE, Recording("ms162", "lenet_infer")], ids=str)
def test_a_truncated_file_is_one_located_problem_at_every_length(recording: Recording, tmp_path: Path) -> None:
    data = recording.model.read_bytes()
    path = tmp_path / "net.mindir"
    ends = top_level_ends(data)
    for length in steps(len(data), 251):
        path.write_bytes(data[:length])
        problems = problems_of(path)
        if length not in ends:
            (problem,) = problems
            assert problem.code == "E302"
            assert problem.message.startswith(("not a MindIR file, or damaged: ", "the model file is empty"))


def top_level_ends(data: bytes) -> set[int]:
    """Lengths at which the file is cut between two whole fields, so that the wire format cannot tell."""
    return {field.end for field in fields(data, 0, len(data))}


def test_a_file_cut_between_two_fields_is_a_problem_too(tmp_path: Path) -> None:
    data = SMALL.model.read_bytes()
    path = tmp_path / "net.mindir"
    for length in sorted(top_level_ends(data) - {len(data)}):
        path.write_bytes(data[:length])
        assert {problem.path for problem in refusals(lambda: read_mindir(path))} <= {str(path)}


@given(st.binary(min_size=1, max_size=997))
def test_random_bytes_are_no_model(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.mindir"
    path.write_bytes(data)
    (problem,) = problems_of(path)
    assert problem.code in ("E302", "E303", "E304")


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3))
def test_wrong_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(SMALL.model.read_bytes())
    for place, byte in changes:
        data[int(place * len(data))] = byte
    path = tmp_path_factory.getbasetemp() / "changed.mindir"
    path.write_bytes(data)
    assert {problem.path for problem in refusals(lambda: read_mindir(path))} <= {str(path)}


GRAPH_EDITS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 996), st.integers(0, 996)), min_size=1, max_size=5)


def edit(graph: GraphProto, kind: int, first: int, second: int) -> None:
    """One change that keeps the message well formed and makes the graph wrong, or odd."""
    node, other = (graph.node[place % len(graph.node)] for place in (first, second))
    if kind == 0:
        graph.node.remove(node)
    elif kind == 1:
        node.op_type = other.op_type
    elif kind == 2 and node.input:
        del node.input[second % len(node.input)]
    elif kind == 3 and node.input:
        node.input[0] = other.output[0] if other.output else other.name
    elif kind == 4:
        del node.attribute[:]
    elif kind == 5 and other.attribute:
        node.attribute.add().CopyFrom(other.attribute[0])
    elif kind == 6:
        node.input.append(other.output[0] if other.output else other.name)


@pytest.mark.parametrize("recording", [SMALL, SPLIT, Recording("ms162", "lenet_infer")], ids=str)
@given(edits=GRAPH_EDITS)
def test_a_changed_graph_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, recording: Recording, edits: list[tuple[int, int, int]]
) -> None:
    proto = parsed(recording)
    for parameter in proto.graph.parameter:
        parameter.ClearField("external_data")
    graphs = [proto.graph, *(graph for graph in proto.functions if graph.node)]
    for kind, first, second in edits:
        edit(graphs[second % len(graphs)], kind, first, second)
    path = written(proto, tmp_path_factory.getbasetemp(), "edited.mindir")
    assert {problem.path for problem in refusals(lambda: read_mindir(path))} <= {str(path)}
