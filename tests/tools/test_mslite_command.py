"""The `mslite` command: `train` and `run` on models that the device recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from converter.mslite.reader import read_model
from converter.reference import Session
from converter.tools import main
from converter.version import __version__

RECORDS = Path(__file__).parents[1] / "reference" / "device" / "train.tar.xz"
CONV = "layer_maxpool_same_train"
MLP = "loss_sce_sparse_mean_train"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recorded models with their data."""
    root = tmp_path_factory.mktemp("records")
    wanted = {f"{name}{suffix}" for name in (CONV, MLP) for suffix in (".ms", ".npz")}
    with tarfile.open(RECORDS) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name in wanted else None
            if file is not None:
                (root / member.name).write_bytes(file.read())
    return root


def inputs(folder: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(folder / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays.files if key in ("in0", "in1")}


def recorded(folder: Path, name: str, key: str) -> np.ndarray:
    with np.load(folder / f"{name}.npz") as arrays:
        return np.asarray(arrays[key])


def save(folder: Path, arrays: dict[str, np.ndarray]) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type] # names are ours
    return str(path)


def test_train_prints_every_loss_and_writes_losses_and_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Both inputs have four axes; the model wants NHWC.
    first = {name: array.transpose(0, 3, 1, 2) for name, array in inputs(folder, CONV).items()}
    model, data = str(folder / f"{CONV}.ms"), save(tmp_path, first)
    report, weights = tmp_path / "new" / "losses.json", tmp_path / "weights.npz"
    arguments = ["train", model, "--data", data, "--steps", "5", "--json", str(report), "--save-weights", str(weights)]
    assert main(arguments) == 0
    wanted = recorded(folder, CONV, "losses").reshape(-1)
    losses = json.loads(report.read_text(encoding="utf-8"))
    assert list(losses) == ["losses"]
    assert losses["losses"] == pytest.approx(wanted.tolist(), rel=1e-5)
    shown = capsys.readouterr()
    assert [line.split(":")[0] for line in shown.out.splitlines()] == [f"step {i}" for i in range(1, 6)]
    assert [float(line.split()[-1]) for line in shown.out.splitlines()] == pytest.approx(wanted.tolist(), rel=1e-5)
    assert shown.err == ""
    with np.load(weights) as saved:
        kernel = recorded(folder, CONV, "final/0.weight")
        np.testing.assert_allclose(saved["0.weight"], kernel.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-6)
        slot = recorded(folder, CONV, "final/moments.0.weight").reshape(kernel.shape)
        np.testing.assert_allclose(saved["moments.0.weight"], slot.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.npz", "new", "weights.npz"]


def test_the_same_weights_are_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    data = save(tmp_path, inputs(folder, MLP))
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for file in files:
        arguments = ["train", str(folder / f"{MLP}.ms"), "--data", data, "--steps", "1", "--save-weights", str(file)]
        assert main(arguments) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_run_evaluates_without_labels_in_either_layout(
    folder: Path,
    tmp_path: Path,
    layout: str,
    by_name: bool,
) -> None:
    names = ("inputs0", "inputs1") if by_name else ("in0", "in1")
    arrays = list(inputs(folder, CONV).values())
    if layout == "NCHW":
        arrays = [array.transpose(0, 3, 1, 2) for array in arrays]
    data, target = save(tmp_path, dict(zip(names, arrays, strict=True))), tmp_path / "out.json"
    arguments = ["run", str(folder / f"{CONV}.ms"), "--data", data, "--layout", layout, "--json", str(target)]
    assert main(arguments) == 0
    outputs = json.loads(target.read_text(encoding="utf-8"))["outputs"]
    session = Session(read_model(folder / f"{CONV}.ms"))
    kept = session.evaluate(list(inputs(folder, CONV).values()))
    assert list(outputs) == list(kept)
    for value in session.roles.eval_outputs:
        device = kept[value.name]
        is_moved = (value.layout.name == "NHWC") != (layout == "NHWC")
        wanted = device.transpose(0, 3, 1, 2) if is_moved and layout == "NCHW" else device
        wanted = device.transpose(0, 2, 3, 1) if is_moved and layout == "NHWC" else wanted
        np.testing.assert_allclose(np.asarray(outputs[value.name]), wanted, rtol=1e-6)


def test_run_needs_no_label_and_shows_outputs_without_a_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = save(tmp_path, {"in0": inputs(folder, MLP)["in0"]})
    assert main(["run", str(folder / f"{MLP}.ms"), "--data", data]) == 0
    name, _, values = capsys.readouterr().out.partition(": ")
    assert name.endswith("BiasAdd-op4102")
    assert np.asarray(json.loads(values)).shape == (4, 5)


def test_wider_types_are_narrowed_as_the_converter_narrows_the_model(folder: Path, tmp_path: Path) -> None:
    arrays = inputs(folder, MLP)
    data = save(tmp_path, {"in0": arrays["in0"].astype(np.float64), "in1": arrays["in1"].astype(np.int64)})
    report = tmp_path / "losses.json"
    assert main(["train", str(folder / f"{MLP}.ms"), "--data", data, "--steps", "1", "--json", str(report)]) == 0
    losses = json.loads(report.read_text(encoding="utf-8"))["losses"]
    assert losses == pytest.approx([recorded(folder, MLP, "losses")[0, 0]], rel=1e-6)


def test_other_arrays_in_the_data_are_ignored(folder: Path, tmp_path: Path) -> None:
    data = save(tmp_path, {**inputs(folder, MLP), "losses": np.zeros(3), "final/w": np.zeros(3)})
    assert main(["train", str(folder / f"{MLP}.ms"), "--data", data, "--steps", "1"]) == 0


WRONG_DATA = {
    "missing": (
        lambda arrays: {"in0": arrays["in0"]},
        "has no array for input 1 (inputs1)",
        "hint: add an array in1: int32[4]",
    ),
    "shape": (
        lambda arrays: {**arrays, "in0": arrays["in0"][:3]},
        "array 'in0' has the shape [3, 8], input 'inputs0' wants [4, 8]",
        "",
    ),
    "type": (
        lambda arrays: {**arrays, "in1": arrays["in1"].astype(np.float32)},
        "array 'in1' has the type float32, input 'inputs1' wants int32",
        "",
    ),
    "too large": (
        lambda arrays: {**arrays, "in1": arrays["in1"] + np.int64(2**40)},
        "has the type int64, input 'inputs1' wants int32, and its numbers do not fit",
        "",
    ),
    "extra": (
        lambda arrays: {**arrays, "in7": arrays["in0"]},
        "array 'in7' belongs to no input: the model has 2",
        "",
    ),
}


@pytest.mark.parametrize("case", WRONG_DATA)
def test_data_that_does_not_fit_is_a_located_error(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    change, message, hint = WRONG_DATA[case]
    data, target = save(tmp_path, change(inputs(folder, MLP))), tmp_path / "losses.json"
    arguments = ["train", str(folder / f"{MLP}.ms"), "--data", data, "--steps", "1", "--json", str(target)]
    assert main(arguments) == 255
    shown = capsys.readouterr()
    assert shown.err.startswith(f"{data}: error[E601]: ")
    assert message in shown.err
    assert hint in shown.err
    assert shown.out == ""
    assert not target.exists()


def test_a_swapped_layout_is_recognized(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = save(tmp_path, inputs(folder, CONV))
    assert main(["train", str(folder / f"{CONV}.ms"), "--data", data, "--steps", "1"]) == 255
    assert "hint: its axes look like --layout NHWC" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file"), (b"no archive", "is not an .npz file"), (b"", "is not an .npz file")],
)
def test_data_that_is_no_archive(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    path = tmp_path / "data.npz"
    if content is not None:
        path.write_bytes(content)
    assert main(["run", str(folder / f"{MLP}.ms"), "--data", str(path)]) == 255
    assert f"{path}: error[E601]: {message}" in capsys.readouterr().err


def test_a_single_array_is_no_data(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.zeros(3))
    assert main(["run", str(folder / f"{MLP}.ms"), "--data", str(path)]) == 255
    assert "is a single array" in capsys.readouterr().err


def test_a_model_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.ms"
    model.write_bytes(b"not a model")
    assert main(["run", str(model), "--data", "data.npz"]) == 255
    assert capsys.readouterr().err.startswith(f"{model}: error[E310]: not a .ms file")


@pytest.mark.parametrize("arguments", [[], ["train"], ["train", "m.ms", "--data", "d.npz", "--steps", "0"], ["fly"]])
def test_a_wrong_command_line_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: mslite" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["run", "--help"]])
def test_help_says_what_the_files_hold(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "mslite" in shown
    assert len(arguments) == 1 or ("--data D.npz" in shown and "--json F" in shown)


def test_version_and_a_real_process(tmp_path: Path) -> None:
    """As installed: no output on stderr, and an unwritable target leaves nothing behind."""
    command = [sys.executable, "-c", "import sys; from converter.tools import main; sys.exit(main())", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == f"mslite {__version__}\n"
    assert done.stderr == ""
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are enough


def test_an_output_that_cannot_be_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocker = tmp_path / "file"
    blocker.write_bytes(b"")
    data = save(tmp_path, {"in0": inputs(folder, MLP)["in0"]})
    target = blocker / "out.json"
    assert main(["run", str(folder / f"{MLP}.ms"), "--data", data, "--json", str(target)]) != 0
    assert f"{target}: error[E120]" in capsys.readouterr().err
