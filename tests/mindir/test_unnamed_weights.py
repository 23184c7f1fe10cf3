"""Weights of early MindSpore 1.x: a directory of graphs that have nothing but parameters, which no model names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.mindir import parsed
from support.zoo import LENET

from converter._generated.mind_ir_pb2 import GraphProto
from converter.api import convert_file
from converter.errors import ConversionError
from converter.mindir.external import listed_locations
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from pathlib import Path


def write_old_split(folder: Path) -> Path:
    """LeNet as MindSpore 1.x split it: two files of parameters beside a model without any."""
    proto = parsed(LENET)
    parameters = list(proto.graph.parameter)
    del proto.graph.parameter[:]
    (folder / "net_variables").mkdir(parents=True)
    for at, some in enumerate((parameters[:3], parameters[3:])):
        graph = GraphProto()
        graph.parameter.extend(some)
        (folder / f"net_variables/data_{at}").write_bytes(graph.SerializeToString())
    path = folder / "net_graph.mindir"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_old_split(tmp_path)


def test_converts_to_the_bytes_of_the_whole_model(model: Path, tmp_path: Path) -> None:
    for source, target in ((model, "split.ms"), (LENET.model, "whole.ms")):
        convert_file(source, tmp_path / target, ConvertOptions(train=True))
    assert (tmp_path / "split.ms").read_bytes() == (tmp_path / "whole.ms").read_bytes()


def test_files_are_listed_without_hidden_ones(model: Path) -> None:
    (model.parent / "net_variables/.hidden").write_bytes(b"x")
    (model.parent / "net_variables/deeper").mkdir()
    assert listed_locations(model) == ("net_variables/data_0", "net_variables/data_1")
    assert listed_locations(LENET.model) == ()


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"\x1a\x7f"], ids=["no message", "cut"])
def test_damaged_file_is_named(model: Path, tmp_path: Path, content: bytes) -> None:
    (model.parent / "net_variables/data_1").write_bytes(content)
    with pytest.raises(ConversionError) as failure:
        convert_file(model, tmp_path / "net.ms", ConvertOptions())
    assert "E306" in {problem.code for problem in failure.value.problems}
    assert "net_variables/data_1" in str(failure.value)
