"""Configs that include another: two models share settings, each has its own besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from scons_project import Project

SCONSTRUCT = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')
for name in 'ab':
    env.MSLiteModel(f'build/{name}.ms', 'models/net.mindir', MSLITE_CONFIG=f'models/{name}.cfg')
"""
OWN = "include=../shared/all.cfg\n[common_quant_param]\nmin_quant_weight_channel=3\n"


@pytest.fixture(scope="module")
def first_sharing(first_build: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = first_build.at(tmp_path_factory.mktemp("sharing"))
    project.model("models/net.mindir")
    project.write("shared/all.cfg", "include=base.cfg\n")
    project.write("shared/base.cfg", CONFIG)
    project.write("models/a.cfg", OWN)
    project.write("models/b.cfg", OWN.replace("=3", "=5"))
    project.write("SConstruct", SCONSTRUCT)
    assert sorted(project.build().converted) == ["a.ms", "b.ms"]
    return project


@pytest.fixture
def sharing(first_sharing: Project, tmp_path: Path) -> Project:
    return first_sharing.copy(tmp_path / "copy")


def test_value_of_an_included_file_converts_all_that_include_it(sharing: Project) -> None:
    sharing.write("shared/base.cfg", CONFIG.replace("=0", "=11"))
    assert sorted(sharing.build().converted) == ["a.ms", "b.ms"]
    assert sharing.is_up_to_date()


def test_value_that_a_model_replaces_converts_the_other_one(sharing: Project) -> None:
    sharing.write("models/a.cfg", OWN + "min_quant_weight_size=7\n")
    assert sharing.build().converted == ["a.ms"]
    sharing.write("shared/base.cfg", CONFIG.replace("=0", "=11"))
    assert sharing.build().converted == ["b.ms"]
    assert sharing.is_up_to_date()


def test_comment_in_an_included_file_converts_nothing(sharing: Project) -> None:
    sharing.write("shared/base.cfg", "# for all\n" + CONFIG)
    assert sharing.is_up_to_date()
    assert sharing.is_up_to_date()


def test_settings_that_move_to_another_file_convert_nothing(sharing: Project) -> None:
    sharing.write("shared/all.cfg", CONFIG)
    (sharing.path / "shared/base.cfg").unlink()
    assert sharing.is_up_to_date()


def test_missing_included_file_is_named_where_it_is_included_and_then_found(sharing: Project) -> None:
    (sharing.path / "shared/base.cfg").unlink()
    ran = sharing.run("models")
    assert ran.code == 2
    assert "scons: *** [build/a.ms] models/../shared/all.cfg:1: error[E115]: include: 'base.cfg'" in ran.err
    sharing.write("shared/base.cfg", CONFIG)
    assert sorted({*sharing.build().converted, "a.ms", "b.ms"}) == ["a.ms", "b.ms"]
    assert sharing.is_up_to_date()


def test_included_file_that_the_build_makes_is_made_first(sharing: Project) -> None:
    sharing.write("base.in", CONFIG.replace("=0", "=13"))
    (sharing.path / "shared/base.cfg").unlink()
    sharing.write("SConstruct", SCONSTRUCT + "env.Command('shared/base.cfg', 'base.in', Copy('$TARGET', '$SOURCE'))\n")
    assert sorted(sharing.build("-j2", "models").converted) == ["a.ms", "b.ms"]
    assert sharing.manifest()["build/a.ms"]["options"]["quant"]["min_quant_weight_size"] == 13
    assert sharing.is_up_to_date()
    sharing.write("base.in", CONFIG.replace("=0", "=17"))
    assert sorted(sharing.build("-j2", "models").converted) == ["a.ms", "b.ms"]
    assert sharing.is_up_to_date()


def test_official_converter_is_not_given_what_it_does_not_know(sharing: Project) -> None:
    sharing.write("converter_lite", "#!/bin/sh\n").chmod(0o755)
    backend = "MSLITE_BACKEND='converter_lite', MSLITE_CONVERTER='./converter_lite', MSLITE_MANIFEST"
    sharing.write("SConstruct", SCONSTRUCT.replace("MSLITE_MANIFEST", backend))
    ran = sharing.run("models")
    assert ran.code == 2
    assert "models/a.cfg: error[E116]: the official converter does not know include=" in ran.err
