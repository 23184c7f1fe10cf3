"""`include=FILE`: settings of another file, located there, replaced by what follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.config import Config, load_config
from converter.errors import ConversionError

SHARED = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nmin_quant_weight_size=23\n"


def _load(folder: Path, **files: str) -> Config:
    """Write the files and load `main`."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.with_name(path.name + ".cfg").write_text(text)
    return load_config(folder / "main.cfg")


def _problems(folder: Path, **files: str) -> list[tuple[str, str | None, int | None, str]]:
    with pytest.raises(ConversionError) as failure:
        _load(folder, **files)
    return [(each.code, each.path and Path(each.path).name, each.line, each.message) for each in failure.value.problems]


def test_settings_of_an_included_file_count(tmp_path: Path) -> None:
    config = _load(tmp_path, main="# own\ninclude = shared.cfg\n", shared=SHARED)
    assert config.value("common_quant_param", "min_quant_weight_size") == 23
    assert config.included == (tmp_path / "shared.cfg",)
    assert config.warnings == ()


def test_canonical_form_does_not_tell_where_a_value_stands(tmp_path: Path) -> None:
    apart = _load(tmp_path, main="include=shared.cfg\n[registry]\ndisable_fusion=on\n", shared=SHARED)
    assert apart.canonical() == _load(tmp_path, main=SHARED + "[registry]\ndisable_fusion=on\n").canonical()


def test_what_follows_replaces_without_a_warning(tmp_path: Path) -> None:
    main = "include=shared.cfg\n[common_quant_param]\nmin_quant_weight_size=41\n"
    config = _load(tmp_path, main=main, shared=SHARED)
    assert config.value("common_quant_param", "quant_type") == "WEIGHT_QUANT"
    assert config.value("common_quant_param", "min_quant_weight_size") == 41
    assert config.warnings == ()


def test_later_include_wins(tmp_path: Path) -> None:
    other = "[common_quant_param]\nmin_quant_weight_size=5\n"
    config = _load(tmp_path, main="include=shared.cfg\ninclude=other.cfg\n", shared=SHARED, other=other)
    assert config.value("common_quant_param", "min_quant_weight_size") == 5


def test_places_count_from_the_file_that_names_them(tmp_path: Path) -> None:
    shared = "include=deeper/base.cfg\n[data_preprocess_param]\ncalibrate_path=x:samples\n"
    (tmp_path / "shared/samples").mkdir(parents=True)
    config = _load(tmp_path, main="include=shared/a.cfg\n", shared__a=shared, shared__deeper__base=SHARED)
    assert [path.relative_to(tmp_path).as_posix() for path in config.included] == [
        "shared/a.cfg",
        "shared/deeper/base.cfg",
    ]
    [named] = config.inputs
    assert (named.path, named.name) == (tmp_path / "shared/samples", "samples")


def test_calibration_data_of_an_included_file(tmp_path: Path) -> None:
    (tmp_path / "shared/samples").mkdir(parents=True)
    shared = "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=3\ninput_type=BIN\n"
    main = "include=shared/data.cfg\n[common_quant_param]\nquant_type=FULL_QUANT\n"
    quant = _load(tmp_path, main=main, shared__data=shared).quant()
    assert quant is not None
    assert quant.calibration is not None
    assert quant.calibration.directories == (("x", str(tmp_path / "shared/samples"), "samples"),)


def test_problems_stand_where_they_are(tmp_path: Path) -> None:
    found = _problems(
        tmp_path,
        main="include=shared.cfg\n[registry]\ndisable_fusion=perhaps\n",
        shared=SHARED + "bit_nmu=8\n",
    )
    assert [problem[:3] for problem in found] == [("E112", "main.cfg", 3), ("E110", "shared.cfg", 4)]


def test_missing_include_is_reported_where_it_is_asked_for(tmp_path: Path) -> None:
    assert _problems(tmp_path, main="\ninclude=nowhere.cfg\n") == [
        ("E115", "main.cfg", 2, "include: 'nowhere.cfg': the config file does not exist")
    ]


def test_include_in_a_circle_is_reported(tmp_path: Path) -> None:
    found = _problems(tmp_path, main="include=other.cfg\n", other="# back\ninclude=./main.cfg\n")
    assert found == [("E113", "other.cfg", 2, "include: './main.cfg' includes itself")]


def test_include_that_doubles_again_and_again_ends(tmp_path: Path) -> None:
    files = {f"f{at}": f"include=f{at + 1}.cfg\ninclude=f{at + 1}.cfg\n" for at in range(30)}
    found = _problems(tmp_path, main="include=f0.cfg\n", **files, f30="")
    assert {problem[3] for problem in found} == {"include: more than 64 files"}


def test_include_within_a_section_is_said_to_be_in_the_wrong_place(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as failure:
        _load(tmp_path, main="[registry]\ninclude=shared.cfg\n", shared=SHARED)
    [problem] = failure.value.problems
    assert (problem.code, problem.line, problem.hint) == ("E110", 2, "it belongs before the first [section]")
