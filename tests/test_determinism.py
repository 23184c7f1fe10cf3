"""Same input, same options: same bytes, whatever the process, hash seed, directory, locale, umask and processor.

Other Pythons and other versions of what a conversion needs: tests/robustness/dependencies.py.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from support.command import run_converter
from support.converted import DIGITS, write_calibration
from support.zoo import LENET, LENET_INFERENCE, Recording

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num=8\n"
FULL = (
    "[common_quant_param]\nquant_type=FULL_QUANT\n"
    "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=1\ninput_type=BIN\n"
    "[full_quant_param]\nactivation_quant_method=KL\n"
)
ENVIRONMENTS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "2"},
    {
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Nehalem",  # an older processor: no fused multiplication and addition
    },
)


def digests(recording: Recording, folder: Path, environment: dict[str, str], *flags: str) -> dict[str, str]:
    """SHA-256 of everything that one conversion writes."""
    folder.mkdir(parents=True)
    shutil.copy(recording.model, folder / "net.mindir")
    (folder / "quant.cfg").write_text(CONFIG, encoding="utf-8")
    train = f"--trainModel={str(recording.is_training).lower()}"
    base = ["--fmk=MINDIR", "--modelFile=net.mindir", "--outputFile=out/net.ms", "--report=out/report.json"]
    ran = run_converter([*base, "--dump-ir=out/ir", train, *flags], folder, environment)
    assert (ran.code, ran.stderr) == (0, "")
    files = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    ("recording", "flags"),
    [
        (LENET, ()),
        (Recording("ms270", "lenet_adam_onehot"), ("--configFile=quant.cfg",)),
        (LENET_INFERENCE, ("--configFile=quant.cfg",)),
    ],
    ids=("train", "train-quantized", "inference-quantized"),
)
def test_two_processes_write_the_same_bytes(recording: Recording, flags: tuple[str, ...], tmp_path: Path) -> None:
    """The `.ms`, the report and the dumps, from two hash seeds in two directories."""
    first, second = (
        digests(recording, tmp_path / place, environment, *flags)
        for place, environment in zip(("a", "b/c d"), ENVIRONMENTS, strict=True)
    )
    assert "out/net.ms" in first
    assert first == second


def test_calibration_does_not_depend_on_processor_and_threads(tmp_path: Path) -> None:
    """FULL_QUANT wrote other scales with other numbers of threads, because the interpreter's products did."""
    contents = []
    for place, environment in zip(("a", "b"), ENVIRONMENTS, strict=True):
        folder = tmp_path / place
        folder.mkdir()
        shutil.copy(DIGITS / "digits.mindir", folder)
        write_calibration(folder / "samples")
        (folder / "full.cfg").write_text(FULL, encoding="utf-8")
        flags = ["--fmk=MINDIR", "--modelFile=digits.mindir", "--outputFile=net.ms", "--configFile=full.cfg"]
        ran = run_converter(flags, folder, environment)
        assert (ran.code, ran.stderr) == (0, "")
        contents.append((folder / "net.ms").read_bytes())
    assert contents[0] == contents[1]


def test_the_umask_is_not_in_the_file(tmp_path: Path) -> None:
    contents = []
    for mask in (0o000, 0o077):
        before = os.umask(mask)
        try:
            contents.append(digests(LENET, tmp_path / f"{mask:o}", ENVIRONMENTS[0]))
        finally:
            os.umask(before)
    assert contents[0] == contents[1]


def test_the_name_of_the_model_is_not_in_the_file(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "another"):
        shutil.copy(LENET_INFERENCE.model, tmp_path / f"{name}.mindir")
        flags = ["--fmk=MINDIR", f"--modelFile={name}.mindir", f"--outputFile={name}.ms"]
        assert run_converter(flags, tmp_path).code == 0
        contents.append((tmp_path / f"{name}.ms").read_bytes())
    assert contents[0] == contents[1]
