"""The config file itself and the files that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.config import Config, ConfigInput, load_config, parse_config
from converter.errors import ConversionError, Status

if TYPE_CHECKING:
    from pathlib import Path

CALIBRATION = "[data_preprocess_param]\ncalibrate_path=in:calib,in2:'more data'\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nets").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path


def load(place: Path, text: str | bytes) -> Config:
    path = place / "nets" / "q.cfg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path)


def problems(place: Path, text: str | bytes) -> list[tuple[str, int | None, str]]:
    with pytest.raises(ConversionError) as caught:
        load(place, text)
    assert {problem.path for problem in caught.value.problems} == {str(place / "nets" / "q.cfg")}
    return [(problem.code, problem.line, problem.message) for problem in caught.value.problems]


def test_a_missing_config_file(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="the config file does not exist") as caught:
        load_config(tmp_path / "no.cfg")
    assert caught.value.status == Status.ERROR
    assert caught.value.problems[0].path == str(tmp_path / "no.cfg")


@pytest.mark.parametrize("name", ["", "x" * 999, "a\0b"])
def test_a_config_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConversionError) as caught:
        load_config(tmp_path / name)
    assert [problem.code for problem in caught.value.problems] == ["E114"]


def test_a_model_given_as_config_is_one_problem(place: Path) -> None:
    assert problems(place, b"[registry]\n\x08\x00\x12")[0] == ("E113", 2, "this is not a text file")
    assert [code for code, _, _ in problems(place, b"x" * (16 * 2**20 + 1))] == ["E114"]


def test_a_comment_in_another_encoding_is_fine_a_value_is_not(place: Path) -> None:
    note = "量化".encode("gbk")
    assert load(place, b"# " + note + b"\n[registry]\n").warnings == ()
    [(code, line, _)] = problems(place, b"[registry]\nfusion_blacklists=" + note + b"\n")
    assert (code, line) == ("E113", 2)


def test_named_directories_are_dependencies_beside_the_config(place: Path) -> None:
    (place / "nets" / "calib").mkdir()
    (place / "nets" / "more data").mkdir()
    config = load(place, CALIBRATION)
    assert config.inputs == (
        ConfigInput(place / "nets" / "calib", "data_preprocess_param", "calibrate_path", 2, "directory", "calib"),
        ConfigInput(
            place / "nets" / "more data", "data_preprocess_param", "calibrate_path", 2, "directory", "more data"
        ),
    )
    assert parse_config(CALIBRATION, place / "nets" / "q.cfg").inputs == config.inputs


def test_the_working_directory_is_second_as_for_the_official_converter(place: Path) -> None:
    (place / "nets" / "calib").mkdir()
    (place / "cwd" / "calib").mkdir()
    (place / "cwd" / "more data").mkdir()
    config = load(place, CALIBRATION)
    assert [str(found.path) for found in config.inputs] == [str(place / "nets" / "calib"), "more data"]
    assert [warning.split(": ", 1)[1] for warning in config.warnings if "exists" in warning] == [
        "calibrate_path in [data_preprocess_param]: 'calib' exists beside the config file and in the working directory;"
        " the one beside the config file is used"
    ]


def test_the_same_directory_found_twice_is_no_reason_to_warn(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "nets" / "a.so").touch()
    monkeypatch.chdir(place / "nets")
    assert load(place, "[registry]\nplugin_path=a.so\n").warnings == ()


def test_an_absolute_name_stays(place: Path) -> None:
    (place / "p.so").touch()
    config = load(place, f"[registry]\nplugin_path={place / 'p.so'}\n")
    assert [(found.path, found.kind) for found in config.inputs] == [(place / "p.so", "file")]


def test_missing_files_come_together_with_all_other_problems(place: Path) -> None:
    (place / "nets" / "calib").touch()
    text = CALIBRATION + "calibrate_size=0\n[registry]\nplugin_path=a.so\n"
    assert problems(place, text) == [
        ("E115", 2, "calibrate_path in [data_preprocess_param]: 'calib' is not a directory"),
        ("E115", 2, "calibrate_path in [data_preprocess_param]: directory 'more data' does not exist"),
        ("E112", 3, "calibrate_size in [data_preprocess_param]: 0 is not in [1, 65535]"),
        ("E115", 5, "plugin_path in [registry]: file 'a.so' does not exist"),
    ]


def test_places_that_are_written_to_need_not_exist(place: Path) -> None:
    text = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nworkspace=none\n[micro_param]\nsave_path=none\n"
    assert load(place, text).inputs == ()
