"""Recorded MindIR files, changed through the generated protobuf and written somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter._generated.mind_ir_pb2 import ModelProto
from converter.errors import ConversionError
from converter.mindir.frontend import read_mindir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import AttributeProto, GraphProto, NodeProto, TensorProto
    from converter.errors import Problem
    from support.zoo import Recording


def parsed(recording: Recording) -> ModelProto:
    """The file as protobuf sees it, weights included."""
    return ModelProto.FromString(recording.model.read_bytes())


def written(proto: ModelProto, folder: Path, name: str = "net.mindir") -> Path:
    """The message as a file."""
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What the reader says about a file that it cannot read; each problem names the file."""
    with pytest.raises(ConversionError) as caught:
        read_mindir(path)
    assert {problem.path for problem in caught.value.problems} == {str(path)}
    return caught.value.problems


def only_problem(path: Path) -> tuple[str, str]:
    """Code and message of the one problem of a file."""
    (problem,) = problems_of(path)
    return problem.code, problem.message


def node_of(graph: GraphProto, op: str, proto: ModelProto) -> NodeProto:
    """The first node of an operator, in files with and without a pool of primitives."""
    pool = {primitive.name: primitive.op_type for primitive in proto.primitives}
    for node in graph.node:
        if pool.get(node.op_type.removeprefix("REF::"), node.op_type) in (op, f"S-Prim-{op}"):
            return node
    raise LookupError(op)


def tensors(proto: ModelProto) -> Iterator[TensorProto]:
    """Every TensorProto that can hold numbers, in a fixed order."""
    for graph in [proto.graph, *proto.functions]:
        yield from _graph_tensors(graph)
    for primitive in proto.primitives:
        for attribute in primitive.attribute:
            yield from _attribute_tensors(attribute)


def _graph_tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.parameter
    for node in graph.node:
        for attribute in node.attribute:
            yield from _attribute_tensors(attribute)


def _attribute_tensors(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    for value in attribute.values:
        yield from _attribute_tensors(value)
    for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
        yield from _graph_tensors(graph)
