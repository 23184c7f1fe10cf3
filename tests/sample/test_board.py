"""The firmware on the emulated Cortex-M3 board."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from sample_copy import damage_model

if TYPE_CHECKING:
    from pathlib import Path

    from sample_copy import Sample

pytestmark = pytest.mark.usefixtures("cross_tools")

QEMU = [
    "qemu-system-arm",
    "-M",
    "mps2-an385",
    "-nographic",
    "-semihosting-config",
    "enable=on,target=native",
    "-kernel",
]


def test_board_finds_the_same_as_the_host(sample: Sample) -> None:
    output = sample.scons("run").stdout
    host = output.partition("sample firmware on host\n")[2].partition("all models are as built\n")[0]
    board = output.partition("sample firmware on mps2-an385 (Cortex-M3)\n")[2].partition("all models are as built\n")[0]
    assert host.count("  OK\n") == 2
    assert board == host


def test_damaged_model_stops_the_board(built_sample: Sample, tmp_path: Path) -> None:
    image = tmp_path / "firmware.elf"
    shutil.copy2(built_sample.built("an385/firmware.elf"), image)
    damage_model(image, built_sample.built("models/lenet_train.ms").read_bytes(), 4)
    ended = subprocess.run(
        [*QEMU, image],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "  FAILED lenet_train: the identifier is not MSL2\n" in ended.stdout


def test_models_beyond_the_budget_fail_the_link(sample: Sample) -> None:
    size = sum(sample.built(f"models/{name}.ms").stat().st_size for name in ("lenet_train", "lenet_infer_w8"))
    assert sample.scons("firmware", f"MODEL_BUDGET={size + 15}").returncode == 0
    ended = sample.scons("firmware", f"MODEL_BUDGET={size - 1}")
    assert ended.returncode != 0
    assert "the models take more flash than MODEL_BUDGET allows" in ended.stdout
