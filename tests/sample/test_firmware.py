from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from array import array
from typing import TYPE_CHECKING

import pytest
from sample_copy import CROSS_TOOLS, damage_model

if TYPE_CHECKING:
    from pathlib import Path

    from sample_copy import Sample

MODELS = ("tiny_train", "lenet_train", "lenet_infer_q8")
# What must be made again when the config of the 8-bit model changes: one model, one object, the link.
HOST_REBUILT = {"host/firmware", "host/lenet_infer_q8_ms.o"}
BOARD_REBUILT = {"an385/firmware.elf", "an385/lenet_infer_q8_ms.o"}
MODEL_REBUILT = {"models/lenet_infer_q8.ms", "models/lenet_infer_q8_ms.S", "models/lenet_infer_q8_ms.h"}


def run(image: Path) -> tuple[int, str]:
    ended = subprocess.run([image], capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout


def report_of(output: str, model: str) -> str:
    """Return the lines about `model`."""
    return re.split(r"^(?=model |all models)", output.partition(f"model {model}\n")[2], flags=re.MULTILINE)[0]


def test_firmware_finds_all_models_as_built(built_sample: Sample) -> None:
    status, output = run(built_sample.built("host/firmware"))
    assert status == 0
    assert output.startswith("sample firmware on host\n")
    assert output.endswith("all models are as built\n")
    assert output.count("  OK\n") == len(MODELS)


def test_firmware_prints_size_and_checksum_of_the_file(built_sample: Sample) -> None:
    output = run(built_sample.built("host/firmware"))[1]
    for name in MODELS:
        model = built_sample.built(f"models/{name}.ms").read_bytes()
        assert f"  bytes {len(model)}  crc32 0x{zlib.crc32(model):08x}\n" in report_of(output, name)


def test_firmware_prints_what_the_trainable_model_is(built_sample: Sample) -> None:
    report = report_of(run(built_sample.built("host/firmware"))[1], "lenet_train")
    assert "  version MindSpore Lite " in report
    assert "  input inputs0 float32[4,32,32,1]\n  input inputs1 int32[4]\n" in report
    assert re.search(r"^  output \S+ float32\[1\]$", report, re.MULTILINE)
    assert re.search(r"^  nodes \d+  tensors \d+  constant bytes \d{6}$", report, re.MULTILINE)
    assert "  optimizer nodes 10  8-bit constants 0\n" in report


def test_firmware_prints_what_the_8_bit_model_is(built_sample: Sample) -> None:
    report = report_of(run(built_sample.built("host/firmware"))[1], "lenet_infer_q8")
    assert "  input x float32[4,32,32,1]\n" in report
    assert re.search(r"^  output \S+ float32\[4,10\]$", report, re.MULTILINE)
    assert re.search(r"^  optimizer nodes 0  8-bit constants [1-9]\d*$", report, re.MULTILINE)


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (3, "an offset points outside the file"),
        (4, "the identifier is not MSL2"),
        (-1, "the checksum is not the one of the file that was built"),
    ],
)
def test_damaged_model_stops_the_firmware(built_sample: Sample, tmp_path: Path, offset: int, message: str) -> None:
    image = tmp_path / "firmware"
    shutil.copy2(built_sample.built("host/firmware"), image)
    model = built_sample.built("models/lenet_train.ms").read_bytes()
    damage_model(image, model, offset % len(model))
    status, output = run(image)
    assert status == 1
    assert f"  FAILED lenet_train: {message}\n" in output
    assert output.endswith("a model is not as built\n")
    assert "  OK\n" in report_of(output, "lenet_infer_q8")


def test_model_that_the_application_does_not_expect_fails_scons_run(sample: Sample) -> None:
    sample.edit("src/models.c", "{4, 10}", "{4, 7}")
    ended = sample.scons("run-host")
    assert ended.returncode != 0
    assert "  FAILED lenet_infer_q8: outputs\n" in ended.stdout
    assert "host/firmware ended with status 1" in ended.stdout


def test_demand_for_another_label_fails_scons_run(sample: Sample) -> None:
    sample.edit("src/models.c", "MS_INT32, 1, {4}, 1", "MS_INT32, 1, {4}, 0")
    ended = sample.scons("run-host")
    assert ended.returncode != 0
    assert "  FAILED lenet_train: inputs\n" in ended.stdout


def test_models_beyond_the_budget_stop_the_build_before_the_link(sample: Sample) -> None:
    before = sample.times()
    ended = sample.scons("firmware", "MODEL_BUDGET=100K", "RAM_BUDGET=1M")
    assert ended.returncode != 0
    assert "models/mslite_models.h] error[E502]: the models take " in ended.stdout
    lines = ended.stdout.splitlines()
    named = [line.split()[-1].rpartition("/")[2] for line in lines if line.startswith("  ") and " bytes  " in line]
    assert named == ["lenet_train.ms", "lenet_infer_q8.ms", "tiny_train.ms"]
    assert sample.times()["host/firmware"] == before["host/firmware"]


def test_training_that_takes_too_much_ram_stops_the_build(sample: Sample) -> None:
    ended = sample.scons("firmware", "RAM_BUDGET=10K")
    assert ended.returncode != 0
    assert "models/tiny_train.ms: error[E502]: a training step takes at least " in ended.stdout
    assert "models/tiny_train.ms: error[E502]: inference" not in ended.stdout


def test_second_build_does_nothing(sample: Sample) -> None:
    before = sample.times()
    ended = sample.scons("models", "firmware")
    assert ended.returncode == 0
    assert "scons: `models' is up to date.\n" in ended.stdout
    assert sample.times() == before


def test_comment_in_the_config_rebuilds_no_model(sample: Sample) -> None:
    before = sample.times()
    sample.edit("models/q8.cfg", "calibrate_size=3\n", "# three\ncalibrate_size=3\n")
    sample.edit("models/shared.cfg", "[registry]\n", "# all\n[registry]\n")
    assert sample.scons("run").returncode == 0
    rebuilt = {name for name, time in sample.times().items() if before.get(name) != time}
    assert not rebuilt & (MODEL_REBUILT | HOST_REBUILT | BOARD_REBUILT)


def test_value_in_the_config_rebuilds_only_what_depends_on_it(sample: Sample) -> None:
    before = sample.times()
    sample.edit("models/q8.cfg", "calibrate_size=3\n", "calibrate_size=2\n")
    ended = sample.scons("run")
    assert ended.returncode == 0, ended.stdout
    assert "all models are as built\n" in ended.stdout
    rebuilt = {name for name, time in sample.times().items() if before.get(name) != time}
    assert rebuilt >= HOST_REBUILT | MODEL_REBUILT
    assert {name for name in rebuilt if name.startswith(("host/", "an385/"))} <= HOST_REBUILT | BOARD_REBUILT
    assert not {name for name in rebuilt if "_train" in name}
    if shutil.which(CROSS_TOOLS[0]):
        assert rebuilt >= BOARD_REBUILT


def test_edited_calibration_sample_rebuilds_one_model_one_object_and_the_link(sample: Sample) -> None:
    before = sample.times()
    path = sample.root / "sample_project/models/digits/batch1.bin"
    pictures = array("f", path.read_bytes())
    pictures.reverse()
    path.write_bytes(pictures.tobytes())
    ended = sample.scons("models", "firmware")
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("MSLITE ") == 1
    rebuilt = {name for name, time in sample.times().items() if before.get(name) != time}
    built = {name for name in rebuilt if name.endswith((".ms", ".o", "firmware", ".elf"))}
    boards = BOARD_REBUILT if shutil.which(CROSS_TOOLS[0]) else set()
    assert built == {"models/lenet_infer_q8.ms"} | HOST_REBUILT | boards


def test_value_that_models_share_converts_all_of_them(sample: Sample) -> None:
    sample.edit("models/shared.cfg", "ConvActivationFusion,", "")
    assert sample.scons("-n", "models").stdout.count("MSLITE ") == len(MODELS)


def test_second_clone_is_served_by_the_cache(sample: Sample, tmp_path: Path) -> None:
    cache = f"CACHE={tmp_path / 'cache'}"
    shutil.rmtree(sample.root / "build")
    filled = sample.scons(cache)
    assert filled.returncode == 0, filled.stdout
    clone = sample.clone(tmp_path / "clone")
    served = clone.scons(cache)
    assert served.returncode == 0, served.stdout
    made = {line.split()[0] for line in served.stdout.splitlines() if not line.startswith("Retrieved ")}
    # Small texts about the models are written here; nothing is converted, compiled or linked.
    assert made <= {"EMBED", "SKIP"}
    retrieved = re.findall(r"^Retrieved `(\S+)' from cache$", served.stdout, re.MULTILINE)
    assert {name.rpartition("/")[2] for name in retrieved} >= {*(f"{name}.ms" for name in MODELS), "firmware"}
    assert run(clone.built("host/firmware"))[0] == 0


def test_embedding_is_the_same_in_another_directory(built_sample: Sample, tmp_path: Path) -> None:
    other = built_sample.clone(tmp_path / "with blank")
    ended = other.scons("firmware")
    assert ended.returncode == 0, ended.stdout
    for name in MODEL_REBUILT:
        content = other.built(name).read_bytes()
        assert content == built_sample.built(name).read_bytes()
        assert name.endswith(".ms") or b"\r" not in content
        assert str(tmp_path).encode() not in content


def test_missing_cross_compiler_is_said_in_one_line(
    sample: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for tool in ("sh", "gcc", "as", "ld"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or pytest.fail(f"no {tool}"))
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = sample.scons("run")
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("SKIP run-an385: arm-none-eabi-gcc is not installed") == 1
