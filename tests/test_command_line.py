"""`python -m converter`: what it prints, what it returns, what it writes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.command import files_below, run_converter
from support.zoo import LENET, LENET_INFERENCE, ROOT

from converter import api
from converter.__main__ import main
from converter.errors import CODES, Problem, Status, fail
from converter.passes.base import Modes
from converter.passes.pipeline import PIPELINE
from converter.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

BASE = ("--fmk=MINDIR", "--modelFile=net.mindir", "--outputFile=out/net")
SUCCESS = "CONVERT RESULT SUCCESS:0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with one training step in it."""
    shutil.copy(LENET.model, tmp_path / "net.mindir")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_success_prints_one_line_and_nothing_else(folder: Path) -> None:
    ran = run_converter([*BASE, "--trainModel=true"], folder)
    assert (ran.code, ran.stdout, ran.stderr) == (0, SUCCESS, "")
    assert files_below(folder) == {"net.mindir", "out", "out/net.ms"}


def test_failure_prints_the_status_then_the_problem(folder: Path) -> None:
    ran = run_converter([*BASE[:1], "--modelFile=none.mindir", *BASE[2:]], folder)
    message = "none.mindir: error[E301]: the model file cannot be read: No such file or directory\n"
    assert (ran.code, ran.stdout, ran.stderr) == (255, "CONVERT RESULT FAILED:-1\n", message)
    assert files_below(folder) == {"net.mindir"}


def test_a_warning_is_located_and_speaks_of_no_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "quant.cfg").write_text(
        "[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num=8\nmin_quant_weight_size=65535\n", encoding="utf-8"
    )
    assert main([*BASE, "--trainModel=true", "--configFile=quant.cfg"]) == 0
    printed = capsys.readouterr()
    assert printed.out == SUCCESS
    assert printed.err == "net.mindir: warning: no weight was large enough to be quantized\n"


def test_a_warning_of_the_config_is_located(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num=8\nbit_num=8\n"
    (folder / "quant.cfg").write_text(text, encoding="utf-8")
    assert main([*BASE, "--trainModel=true", "--configFile=quant.cfg"]) == 0
    printed = capsys.readouterr()
    assert printed.out == SUCCESS
    assert printed.err.startswith("warning: quant.cfg:4: 'bit_num' stands in [common_quant_param] again")
    assert "error" not in printed.err.lower()


def test_help_needs_neither_numpy_nor_protobuf() -> None:
    code = (
        "import sys; from converter.__main__ import main; status = main(['--help']);"
        "loaded = {'numpy', 'google.protobuf', 'flatbuffers'} & set(sys.modules); print(status, loaded)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: converter_lite --fmk=MINDIR")
    assert done.stdout.endswith("0 set()\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"converter_lite {__version__}\n"


def test_the_report_is_json_and_names_no_directory(folder: Path) -> None:
    assert main([*BASE, "--trainModel=true", "--report=out/report.json"]) == 0
    report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    assert (report["source"], report["size"]) == ("net.mindir", (folder / "out" / "net.ms").stat().st_size)
    assert [tensor["shape"] for tensor in report["inputs"]] == [[4, 32, 32, 1], [4, 10]]
    assert str(folder) not in json.dumps(report)


def test_every_pass_is_dumped(folder: Path) -> None:
    assert main([*BASE, "--trainModel=true", "--dump-ir=ir", "--verify=each"]) == 0
    names = ["read", *(each.name for each in PIPELINE if each.modes & Modes.TRAINING)]
    found = sorted(path.name for path in (folder / "ir").iterdir())
    assert found == [f"{index:02d}-{name}.txt" for index, name in enumerate(names)]
    texts = [path.read_text(encoding="utf-8") for path in (folder / "ir").iterdir()]
    assert all(text.startswith(("model SOURCE\n", "model LITE\n")) and str(folder) not in text for text in texts)


def test_verifying_and_dumping_do_not_change_the_file(folder: Path) -> None:
    main([*BASE, "--trainModel=true"])
    plain = (folder / "out" / "net.ms").read_bytes()
    main([*BASE, "--trainModel=true", "--verify=each", "--dump-ir=ir"])
    assert (folder / "out" / "net.ms").read_bytes() == plain


def test_an_old_target_survives_a_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "net.ms").write_bytes(b"old")
    assert main(BASE) != 0
    assert (folder / "out" / "net.ms").read_bytes() == b"old"
    assert files_below(folder) == {"net.mindir", "out", "out/net.ms"}
    assert "E207" in capsys.readouterr().err


def test_a_path_with_blanks_and_other_alphabets(folder: Path) -> None:
    (folder / "a b").mkdir()
    shutil.copy(LENET_INFERENCE.model, folder / "a b" / "модель 1.mindir")
    flags = ["--fmk=MINDIR", "--modelFile=a b/модель 1.mindir", "--outputFile=a b/выход 1"]
    ran = run_converter(flags, folder)
    assert (ran.code, ran.stdout, ran.stderr) == (0, SUCCESS, "")
    assert (folder / "a b" / "выход 1.ms").exists()


def test_the_same_file_as_model_and_output_is_not_destroyed(folder: Path) -> None:
    data = (folder / "net.mindir").read_bytes()
    assert main(["--fmk=MINDIR", "--modelFile=net.mindir", "--outputFile=net.mindir", "--trainModel=true"]) == 0
    assert (folder / "net.mindir").read_bytes() == data
    assert (folder / "net.mindir.ms").exists()


@pytest.mark.parametrize(("code", "row"), CODES.items(), ids=CODES)
def test_every_code_exits_with_the_official_value(
    code: str,
    row: tuple[Status, str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise fail(code, "no", path="net.mindir", hint="yes")

    monkeypatch.setattr(api, "convert_file", refuse)
    status, _ = row
    assert main(BASE) == status.value % 256 != 0
    printed = capsys.readouterr()
    assert printed.out == f"CONVERT RESULT FAILED:{status.value}\n"
    assert printed.err.startswith(f"{Problem(code, 'no', path='net.mindir', hint='yes')}\n")
    assert files_below(folder) == {"net.mindir"}


def test_a_bug_is_called_a_bug(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("seven by zero")

    monkeypatch.setattr(api, "convert_file", crash)
    assert main([*BASE, "--traceback"]) == 255
    printed = capsys.readouterr()
    assert printed.out == "CONVERT RESULT FAILED:-1\n"
    assert "error[E901]: ZeroDivisionError: seven by zero\n   hint: please report this" in printed.err
    assert 'raise ZeroDivisionError("seven by zero")' in printed.err
    assert files_below(folder) == {"net.mindir"}


@pytest.mark.usefixtures("folder")
def test_an_interrupt_is_no_failure_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "convert_file", interrupt)
    assert main(BASE) == 130
