"""The official runtime's own reader loads every file that we write: training, control flow, quantized, float16."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from official import OracleError, describe, start
from support.converted import convert_samples, samples, write_calibration

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle
# What it reads but has no kernels for: training steps, and weights of 8 bits or fewer (its own converter's neither).
LOADED_ONLY = ("-train", "-weights", "-bits4", "-mixed")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("written")
    return convert_samples(folder, samples(write_calibration(folder / "calibration"), every=True))


def refused(oracle: Path, files: list[Path]) -> list[str]:
    done = start([str(oracle / "bin" / "load"), *map(str, files)], timeout=120)
    assert done.returncode in {0, 2}, done.stderr
    return done.stdout.splitlines()


def test_the_official_reader_loads_every_file(oracle: Path, written: list[Path]) -> None:
    assert len(written) > 600
    assert refused(oracle, written) == []


def test_the_official_reader_refuses_a_damaged_file(oracle: Path, written: list[Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.ms"
    cut.write_bytes(written[0].read_bytes()[:-64])
    assert refused(oracle, [cut]) == [str(cut)]


def test_the_official_runtime_makes_a_session_of_each_kind(oracle: Path, written: list[Path]) -> None:
    few = {sample.name for sample in samples(written[0], every=False)}
    failed = []
    for path in written:
        if path.stem in few and not path.stem.endswith(LOADED_ONLY):
            try:
                describe(oracle, path)
            except OracleError as error:
                failed.append(f"{path.name}: {error}")
    assert failed == []
