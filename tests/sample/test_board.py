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
    assert host.count("  OK\n") == 3
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


def test_the_linker_refuses_models_beyond_the_budget(sample: Sample) -> None:
    """The build would have stopped before: here the linker alone sees a smaller budget."""
    names = ("tiny_train", "lenet_train", "lenet_infer_q8")
    size = sum(sample.built(f"models/{name}.ms").stat().st_size for name in names)
    assert sample.scons("firmware", f"MODEL_BUDGET={size}").returncode == 0
    check = sample.built("models/mslite_models.ld").read_text()
    assert f"<= {size}, " in check
    smaller = sample.root / "smaller.ld"
    smaller.write_text(check.replace(f"<= {size}, ", f"<= {size - 1}, "))
    objects = sorted(str(path) for path in sample.built("an385").glob("*.o"))
    script = str(sample.root / "sample_project/an385/an385.ld")
    link = ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-nostdlib", "-T", script, *objects, "-lgcc"]
    for script_part, code in ((sample.built("models/mslite_models.ld"), 0), (smaller, 1)):
        ended = subprocess.run(
            [*link, script_part, "-o", sample.root / "firmware.elf"], capture_output=True, text=True, check=False
        )
        assert ended.returncode == code, ended.stderr
    assert "the models take more flash than the " in ended.stderr
    assert "models/lenet_train.ms " in ended.stderr
