"""Written files of every kind; with MSLITE_REQUIRE_READERS=1 of every recorded model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.converted import convert_samples, samples, write_calibration

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def demanded() -> bool:
    """Whether programs that are optional for users must be there, as in CI."""
    return os.environ.get("MSLITE_REQUIRE_READERS") == "1"


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, demanded: bool) -> list[Path]:
    """`.ms` files, sorted by name."""
    folder = tmp_path_factory.mktemp("written")
    wanted = samples(write_calibration(folder / "calibration"), every=demanded)
    return sorted(convert_samples(folder, wanted))
