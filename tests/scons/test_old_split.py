"""Weights of early MindSpore 1.x: every file of a directory that no model names is a dependency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scons_project import MODELS

from converter._generated.mind_ir_pb2 import GraphProto, ModelProto

if TYPE_CHECKING:
    from scons_project import Project


@pytest.fixture
def split(empty: Project) -> Project:
    """LeNet as MindSpore 1.x split it; not built yet."""
    proto = ModelProto.FromString((MODELS / "lenet_infer.mindir").read_bytes())
    graph = GraphProto()
    graph.parameter.extend(proto.graph.parameter)
    del proto.graph.parameter[:]
    (empty.path / "models/net_variables").mkdir(parents=True)
    (empty.path / "models/net_graph.mindir").write_bytes(proto.SerializeToString())
    (empty.path / "models/net_variables/data_0").write_bytes(graph.SerializeToString())
    empty.write(
        "SConstruct",
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')\n"
        "env.MSLiteModel('build/net.ms', 'models/net_graph.mindir')\n",
    )
    assert empty.build().converted == ["net.ms"]
    assert empty.is_up_to_date()
    return empty


def test_edited_added_and_deleted_weights_convert_again(split: Project) -> None:
    weights = split.path / "models/net_variables/data_0"
    data = weights.read_bytes()
    # A byte of the last parameter's numbers: name and compression follow them.
    weights.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    assert split.build().converted == ["net.ms"]
    assert split.is_up_to_date()
    other = split.path / "models/net_variables/data_1"
    other.write_bytes(GraphProto(name="nothing").SerializeToString())
    assert split.build().converted == ["net.ms"]
    assert split.is_up_to_date()
    other.unlink()
    assert split.build().converted == ["net.ms"]
    assert split.is_up_to_date()
    assert list(split.manifest()["build/net.ms"]["made_from"]) == [
        "models/net_graph.mindir",
        "models/net_variables/data_0",
    ]
