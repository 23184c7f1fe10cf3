"""Projects to build."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from cache_servers import StandIn, stand_in
from scons_project import CONFIG, SCONSTRUCT, TREE, ForkingScons, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# As in tests/oracle: these tests exist only when asked for.
ASKED_FOR = {"test_oracle_backend.py": "MSLITE_ORACLE", "test_other_python.py": "TEST_OTHER_PYTHON"}
collect_ignore = [name for name, variable in ASKED_FOR.items() if variable not in os.environ]


@pytest.fixture(scope="session")
def scons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkingScons]:
    forking = ForkingScons(tmp_path_factory.mktemp("output"))
    yield forking
    forking.end()


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tool and the converter: an edit while the tests run would convert models again, and rightly so."""
    path = tmp_path_factory.mktemp("tree")
    for name in ("converter", "site_scons"):
        shutil.copytree(TREE / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return path


@pytest.fixture
def empty(tmp_path: Path, tree: Path, scons: ForkingScons) -> Project:
    """A project without any file."""
    return Project(tmp_path, tree, scons)


def _write_lenet(project: Project) -> Project:
    project.write("SConstruct", SCONSTRUCT)
    project.write("models/lenet.cfg", CONFIG)
    project.model("models/lenet.mindir")
    return project


@pytest.fixture
def project(empty: Project) -> Project:
    """One LeNet with a config, not built yet."""
    return _write_lenet(empty)


@pytest.fixture(scope="session")
def first_build(tmp_path_factory: pytest.TempPathFactory, tree: Path, scons: ForkingScons) -> Project:
    """The same, built once for all tests that start from there; not to be touched."""
    project = _write_lenet(Project(tmp_path_factory.mktemp("built"), tree, scons))
    assert project.build().converted == ["lenet.ms"]
    return project


@pytest.fixture
def built(first_build: Project, tmp_path: Path) -> Project:
    """A copy of the built project."""
    return first_build.copy(tmp_path / "copy")


@pytest.fixture
def own_converter(project: Project) -> Project:
    """One LeNet with a converter and a tool of its own, so that a test may edit the converter."""
    for name in ("converter", "site_scons"):
        shutil.copytree(project.tree / name, project.path / name)
    project.tree = project.path
    return project


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "local"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with stand_in(tmp_path_factory.mktemp("server")) as running:
        yield running
