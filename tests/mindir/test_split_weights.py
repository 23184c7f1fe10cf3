"""Weights in files beside the model: only from the model's own directory, and whole."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mindir import only_problem, parsed, problems_of, written
from support.zoo import LENET, SPLIT

from converter.ir import FileTensor
from converter.mindir.external import external_locations, is_inside
from converter.mindir.frontend import read_mindir

if TYPE_CHECKING:
    from pathlib import Path

LOCATION = "lenet_split_variables/data_0"
WEIGHTS = SPLIT.model.parent / LOCATION


def model_with(location: str, folder: Path) -> Path:
    """The split model, with every weight at another location."""
    proto = parsed(SPLIT)
    for parameter in proto.graph.parameter:
        parameter.external_data.location = location
    return written(proto, folder)


def test_weights_stay_in_the_one_file_that_is_opened_once() -> None:
    model = read_mindir(SPLIT.model)
    constants = [value.const for value in model.main.constants()]
    stored = [tensor for tensor in constants if isinstance(tensor, FileTensor) and tensor.nbytes > 1009]
    assert len(stored) > 5
    assert {tensor.file for tensor in stored} == set(model.files[1:])
    assert [len(file) for file in model.files[1:]] == [WEIGHTS.stat().st_size]


def test_a_link_out_of_the_directory_of_the_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(1009))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "data_0").symlink_to(tmp_path / "secret")
    code, message = only_problem(model_with("data_0", folder))
    assert code == "E306"
    assert message == "the weights are in 'data_0', outside the directory of the model"


def test_links_to_a_model_and_its_weights_are_followed_together(tmp_path: Path) -> None:
    (tmp_path / LOCATION).parent.mkdir()
    (tmp_path / LOCATION).symlink_to(WEIGHTS)
    (tmp_path / "net.mindir").symlink_to(SPLIT.model)
    assert len(read_mindir(tmp_path / "net.mindir").files) == 2


def test_the_build_tool_finds_the_same_files() -> None:
    assert external_locations(SPLIT.model) == (LOCATION,)
    assert external_locations(LENET.model) == ()


@pytest.mark.parametrize(
    "location",
    ["../data_0", "a/../../data_0", "/etc/passwd", "..\\data_0", "C:\\data_0", "\\\\server\\data_0", "..", ""],
)
def test_a_location_outside_the_directory_is_refused(location: str, tmp_path: Path) -> None:
    """Even when the file is there: a model must not read what its owner did not ship."""
    (tmp_path / "inner").mkdir()
    shutil.copy(WEIGHTS, tmp_path / "data_0")
    path = model_with(location, tmp_path / "inner")
    message = f"the weights are in {location!r}, outside the directory of the model"
    assert only_problem(path) == ("E306", message)
    assert external_locations(path) == ()


def test_a_missing_file_is_named_once_and_not_once_for_each_weight(tmp_path: Path) -> None:
    message = "the split weight file 'weights/data_0' cannot be read: No such file or directory"
    assert only_problem(model_with("weights/data_0", tmp_path)) == ("E306", message)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data_0").write_bytes(b"")
    message = "the split weight file 'data_0' is empty"
    assert only_problem(model_with("data_0", tmp_path)) == ("E306", message)


def test_a_directory_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data_0").mkdir()
    assert {problem.code for problem in problems_of(model_with("data_0", tmp_path))} == {"E306"}


def test_a_file_that_is_too_short_is_reported_with_the_weight(tmp_path: Path) -> None:
    size = WEIGHTS.stat().st_size
    (tmp_path / "data_0").write_bytes(WEIGHTS.read_bytes()[: size // 2])
    problems = problems_of(model_with("data_0", tmp_path))
    assert {problem.code for problem in problems} == {"E306"}
    assert all(problem.message.endswith(f"data_0 has {size // 2}") for problem in problems)
    assert 0 < len(problems) < len(parsed(SPLIT).graph.parameter)


@pytest.mark.parametrize(("field", "number"), [("offset", -8), ("offset", 1 << 62), ("length", 1), ("length", -1)])
def test_a_wrong_extent_is_reported(field: str, number: int, tmp_path: Path) -> None:
    shutil.copy(WEIGHTS, tmp_path / "data_0")
    proto = parsed(SPLIT)
    for parameter in proto.graph.parameter:
        parameter.external_data.location = "data_0"
    setattr(proto.graph.parameter[0].external_data, field, number)
    (problem,) = problems_of(written(proto, tmp_path))
    assert problem.code in ("E302", "E306")
    assert repr(proto.graph.parameter[0].name.partition(":")[2]) in problem.message


@given(st.text(max_size=13))
def test_any_location_is_inside_or_not(location: str) -> None:
    if is_inside(location):
        assert not location.startswith(("/", "\\"))
        assert ".." not in location.replace("\\", "/").split("/")
