"""The oracle tests exist only when asked for: `pytest -m oracle tests/oracle --oracle DIR`, or with MSLITE_ORACLE=DIR.

Asked for and not usable ends the run with a usage error, never with a skip. Not asked for, they are not collected.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from official import ENVIRONMENT_KEY, OracleError, oracle_folder

if TYPE_CHECKING:
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle", metavar="DIR", help="installed official converter and runtime (tests/oracle/install.py)"
    )


def wanted(config: pytest.Config) -> str | None:
    """The folder that was asked for; in a run over all tests this file is loaded too late to add its option."""
    return config.getoption("--oracle", default=None) or os.environ.get(ENVIRONMENT_KEY)


def usable(config: pytest.Config) -> Path | None:
    """The oracle, None if nobody asked for it.

    Raises:
        pytest.UsageError: Asked for, by folder or by marker, and not installed there.
    """
    folder = wanted(config)
    if folder is None and config.getoption("markexpr", default="") != "oracle":
        return None
    try:
        return oracle_folder(folder)
    except OracleError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_configure(config: pytest.Config) -> None:
    usable(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_oracle_test = collection_path.name.startswith("test_oracle")
    return True if is_oracle_test and usable(config) is None else None


@pytest.fixture(scope="session")
def oracle(pytestconfig: pytest.Config) -> Path:
    """Folder of the installed oracle."""
    folder = usable(pytestconfig)
    assert folder is not None
    return folder
