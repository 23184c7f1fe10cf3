"""Flags together: with each other, with config files, and for training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.zoo import LENET, LENET_INFERENCE

from converter.__main__ import main
from converter.encryption import Decryption, Key, encrypted
from converter.ir import DType, Layout
from converter.mslite.reader import parse_model, read_model
from converter.reference import Session

if TYPE_CHECKING:
    from converter.ir import Model

DIGITS = bytes(range(65, 81)).hex()
KEY = Key(bytes.fromhex(DIGITS))
WEIGHTS = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num=8\nmin_quant_weight_size=1009\n"
FULL = (
    "[common_quant_param]\nquant_type=FULL_QUANT\n"
    "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=3\ninput_type=BIN\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODEL_KEY", DIGITS)
    shutil.copy(LENET_INFERENCE.model, tmp_path / "net.mindir")
    shutil.copy(LENET.model, tmp_path / "step.mindir")
    return tmp_path


def convert(*flags: str, model: str = "net", output: str = "out") -> Model:
    assert main(["--fmk=MINDIR", f"--modelFile={model}.mindir", f"--outputFile={output}", *flags]) == 0
    return read_model(Path(f"{output}.ms"))


def test_quantized_weights_stay_integers_and_the_others_become_half(folder: Path) -> None:
    (folder / "w.cfg").write_text(WEIGHTS, encoding="utf-8")
    plain = convert("--configFile=w.cfg", output="plain")
    each = convert("--configFile=w.cfg", "--fp16=on", "--infer=true")
    types = {value.name: value.type.dtype for value in each.main.constants()}
    before = {value.name: value.type.dtype for value in plain.main.constants()}
    assert {name for name in types if types[name] is DType.INT8} == {n for n in before if before[n] is DType.INT8}
    assert DType.FLOAT16 in types.values()
    (found,), (expected,) = (Session(m).infer(LENET_INFERENCE.inputs).values() for m in (each, plain))
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "dtype"), [("INT8", DType.INT8), ("UINT8", DType.UINT8)])
def test_a_fully_quantized_model_takes_and_gives_levels(folder: Path, name: str, dtype: DType) -> None:
    (folder / "f.cfg").write_text(FULL, encoding="utf-8")
    (folder / "samples").mkdir()
    generator = np.random.default_rng(3)
    for index in range(3):
        generator.standard_normal((4, 32, 32, 1)).astype(np.float32).tofile(folder / "samples" / f"{index}.bin")
    plain = convert("--configFile=f.cfg", output="plain")
    each = convert("--configFile=f.cfg", f"--inputDataType={name}", f"--outputDataType={name}", "--infer=true")
    (given,), (made,) = each.main.inputs, each.main.outputs
    assert (given.type.dtype, made.type.dtype) == (dtype, dtype)
    images = np.fromfile(folder / "samples" / "0.bin", np.float32).reshape(4, 32, 32, 1)
    limits = np.iinfo(dtype.numpy)
    levels: Any = np.clip(np.round(images / given.quant[0].scale) + given.quant[0].zero_point, limits.min, limits.max)
    (found,) = Session(each).infer([levels.astype(dtype.numpy)]).values()
    (expected,) = Session(plain).infer([images]).values()
    meant = (found.astype(np.float64) - made.quant[0].zero_point) * made.quant[0].scale
    assert np.abs(meant - expected).max() <= 1.01 * made.quant[0].scale


def test_everything_at_once_for_inference(folder: Path) -> None:
    sealed = b"".join(encrypted([(folder / "net.mindir").read_bytes()], KEY))
    (folder / "sealed.mindir").write_bytes(sealed)
    flags = (
        "--fp16=on",
        "--inputDataFormat=NCHW",
        "--outputDataFormat=NHWC",
        "--inputShape=x:4,1,32,32",
        "--infer=true",
    )
    convert(*flags, output="open")
    keys = ("--decryptKey=env:MODEL_KEY", "--encryptKey=env:MODEL_KEY", "--report=report.json")
    assert main(["--fmk=MINDIR", "--modelFile=sealed.mindir", "--outputFile=out", *flags, *keys]) == 0
    made = (folder / "out.ms").read_bytes()
    plain = bytes(Decryption(KEY).plain(made).data)
    assert plain == (folder / "open.ms").read_bytes()
    (value,) = parse_model(plain, "out.ms").main.inputs
    assert (value.type.shape, value.layout) == ((4, 1, 32, 32), Layout.NCHW)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["size"] == len(made)
    assert {note["kind"] for note in report["notes"]} >= {"encryption", "infer", "type"}
    assert [note["message"] for note in report["notes"] if note["kind"] == "encryption"] == [
        "the MindIR was decrypted with AES-GCM",
        "the file is encrypted with AES-GCM",
    ]


def test_everything_that_training_goes_with(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = b"".join(encrypted([(folder / "step.mindir").read_bytes()], KEY))
    (folder / "sealed.mindir").write_bytes(sealed)
    flags = ("--trainModel=true", "--inputDataFormat=NCHW", "--inputDataType=FLOAT", "--outputDataType=FLOAT")
    more = ("--infer=true", "--decryptKey=env:MODEL_KEY", "--encryptKey=env:MODEL_KEY")
    assert main(["--fmk=MINDIR", "--modelFile=sealed.mindir", "--outputFile=out", *flags, *more]) == 0
    said = capsys.readouterr().err
    assert said == "sealed.mindir: warning: the model was not run: --infer is for models that do not train\n"
    each = parse_model(bytes(Decryption(KEY).plain((folder / "out.ms").read_bytes()).data), "out.ms")
    images, labels = LENET.inputs
    assert Session(each).step([images.transpose(0, 3, 1, 2), labels]).losses[0] > 0


def test_the_dump_shows_what_the_flags_did(folder: Path) -> None:
    convert("--fp16=on", "--dump-ir=ir", "--outputDataFormat=NHWC")
    texts = {path.name.partition("-")[2]: path.read_text(encoding="utf-8") for path in (folder / "ir").iterdir()}
    assert "float16" in texts["store-as-float16.txt"]
    assert "float16" not in texts["name-everything.txt"]


def test_flags_do_not_depend_on_their_order(folder: Path) -> None:
    flags = ["--fp16=on", "--inputDataFormat=NCHW", "--outputDataFormat=NHWC", "--inputShape=x:4,1,32,32"]
    convert(*flags, output="a")
    convert(*reversed(flags), output="b")
    assert (folder / "a.ms").read_bytes() == (folder / "b.ms").read_bytes()


def test_a_default_written_out_changes_nothing(folder: Path) -> None:
    convert(output="a")
    convert(
        "--fp16=off", "--inputDataFormat=NHWC", "--outputDataFormat=NCHW", "--inputDataType=DEFAULT",
        "--outputDataType=DEFAULT", "--infer=false", "--encryption=false", "--decryptMode=AES-GCM", output="b",
    )  # fmt: skip
    assert (folder / "a.ms").read_bytes() == (folder / "b.ms").read_bytes()
