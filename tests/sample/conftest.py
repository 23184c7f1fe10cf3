"""The sample firmware, built once per session."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from sample_copy import CROSS_TOOLS, Sample, copy_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Models and firmware, built. Shared by all tests: not to be changed."""
    sample = copy_project(tmp_path_factory.mktemp("sample"))
    ended = sample.scons()
    assert ended.returncode == 0, ended.stdout
    return sample


@pytest.fixture
def sample(built_sample: Sample, tmp_path: Path) -> Sample:
    """A copy of the built project, to be changed."""
    shutil.copytree(built_sample.root, tmp_path / "copy")
    return Sample(tmp_path / "copy")


@pytest.fixture
def cross_tools() -> None:
    """The board's compiler and emulator. They are optional for users, and demanded by MSLITE_REQUIRE_CROSS=1 (CI)."""
    missing = [tool for tool in CROSS_TOOLS if shutil.which(tool) is None]
    if not missing:
        return
    message = f"not installed: {', '.join(missing)}"
    if os.environ.get("MSLITE_REQUIRE_CROSS") == "1":
        pytest.fail(message)
    pytest.skip(message)
