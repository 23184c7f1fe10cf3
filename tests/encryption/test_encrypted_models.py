"""Encrypted models from the command line: what MindSpore exported, and what we write."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import files_below, run_converter
from support.zoo import ROOT

from converter.__main__ import main
from converter.encryption import Decryption, Key
from converter.mindir.external import external_locations

DATA = Path(__file__).parent / "data"
DIGITS = bytes(range(65, 81)).hex()
LONG = bytes(range(65, 97)).hex()
SUCCESS = "CONVERT RESULT SUCCESS:0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODEL_KEY", DIGITS)
    return tmp_path


def convert(model: Path | str, output: str, *flags: str) -> int:
    return main(["--fmk=MINDIR", f"--modelFile={model}", f"--outputFile={output}", *flags])


def reason(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.parametrize("version", ["ms162", "ms200", "ms270"])
@pytest.mark.parametrize(("mode", "digits"), [("AES-GCM", DIGITS), ("AES-CBC", LONG)])
def test_exports_of_mindspore(folder: Path, version: str, mode: str, digits: str) -> None:
    assert convert(DATA / version / "plain.mindir", "plain") == 0
    model = DATA / version / f"{mode}-{len(digits) // 2}.mindir"
    assert convert(model, "decrypted", f"--decryptKey={digits}", f"--decryptMode={mode}") == 0
    assert (folder / "decrypted.ms").read_bytes() == (folder / "plain.ms").read_bytes()


def test_split_weights_are_decrypted_too(folder: Path) -> None:
    assert convert(DATA / "ms270" / "plain.mindir", "plain") == 0
    assert convert(DATA / "ms270" / "split-AES-GCM_graph.mindir", "split", "--decryptKey=env:MODEL_KEY") == 0
    assert (folder / "split.ms").read_bytes() == (folder / "plain.ms").read_bytes()
    assert not [path for path in files_below(folder) if "data_0" in path]


def test_a_build_tool_finds_the_encrypted_weights(tmp_path: Path) -> None:
    assert external_locations(DATA / "ms270" / "split-AES-GCM_graph.mindir") == ("split-AES-GCM_variables/data_0",)
    assert external_locations(DATA / "ms270" / "AES-GCM-16.mindir") == ()
    shutil.copy(DATA / "ms270" / "split-AES-GCM_graph.mindir", tmp_path)
    assert external_locations(tmp_path / "split-AES-GCM_graph.mindir") == ()


@pytest.mark.parametrize(
    ("model", "flags", "expected"),
    [
        (
            "ms200/AES-GCM-16.mindir",
            (),
            "error[E304]: the model is encrypted\n   hint: give its key with --decryptKey\n",
        ),
        (
            "ms200/AES-GCM-16.mindir",
            (f"--decryptKey={LONG}",),
            "error[E304]: the key does not fit this file, or the file is damaged\n"
            "   hint: --decryptKey is the export's enc_key, its bytes in hexadecimal\n",
        ),
        (
            "ms162/AES-GCM-16.mindir",
            (f"--decryptKey={LONG}",),
            "error[E304]: with this key it is no MindIR: the key is wrong, or the file is damaged\n"
            "   hint: --decryptKey is the export's enc_key, its bytes in hexadecimal\n",
        ),
        (
            "ms200/plain.mindir",
            (f"--decryptKey={LONG}",),
            "error[E304]: a key is given, but the model is not encrypted\n   hint: leave out --decryptKey\n",
        ),
        (
            "ms200/AES-CBC-32.mindir",
            (f"--decryptKey={LONG}",),
            "error[E304]: the file is encrypted with AES-CBC, not AES-GCM\n   hint: use '--decryptMode=AES-CBC'\n",
        ),
    ],
)
def test_refusals(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str, flags: tuple[str, ...], expected: str
) -> None:
    shutil.copy(DATA / model, folder / "net.mindir")
    assert convert("net.mindir", "out", *flags) == 255
    assert reason(capsys) == f"net.mindir: {expected}"
    assert files_below(folder) == {"net.mindir"}


def test_an_encrypted_output_is_the_plain_one_encrypted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(DATA / "ms200" / "plain.mindir", "plain") == 0
    assert convert(DATA / "ms200" / "plain.mindir", "secret", "--encryptKey=env:MODEL_KEY", "--report=r.json") == 0
    assert capsys.readouterr().out == 2 * SUCCESS
    secret = (folder / "secret.ms").read_bytes()
    assert Decryption(Key(bytes.fromhex(DIGITS))).plain(secret).data == (folder / "plain.ms").read_bytes()
    report = (folder / "r.json").read_text(encoding="utf-8")
    assert f'"size": {len(secret)}' in report
    assert "the file is encrypted with AES-GCM" in report


@pytest.mark.parametrize(
    ("flags", "is_encrypted"),
    [
        (("--encryption=true", "--encryptKey=env:MODEL_KEY"), True),
        (("--encryption=false", "--encryptKey=env:MODEL_KEY"), False),
        (("--encryption=false",), False),
    ],
)
def test_the_switch_wins_over_the_key(folder: Path, flags: tuple[str, ...], is_encrypted: bool) -> None:
    assert convert(DATA / "ms200" / "plain.mindir", "out", *flags) == 0
    assert ((folder / "out.ms").read_bytes()[4:8] != b"MSL2") == is_encrypted


def test_an_encrypted_file_is_not_called_damaged(folder: Path) -> None:
    assert convert(DATA / "ms200" / "plain.mindir", "secret", "--encryptKey=env:MODEL_KEY") == 0
    done = subprocess.run(
        [sys.executable, "-m", "converter.tools", "inspect", "secret.ms"],
        cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.startswith("secret.ms: error[E304]: the file is encrypted\n")


def test_no_key_is_printed_whatever_happens(folder: Path) -> None:
    shutil.copy(DATA / "ms200" / "AES-GCM-16.mindir", folder / "net.mindir")
    base = (
        "--fmk=MINDIR",
        "--modelFile=net.mindir",
        "--outputFile=out",
        "--traceback",
        "--dump-ir=ir",
        "--report=r.json",
    )
    attempts = [
        (f"--decryptKey={DIGITS}", f"--encryptKey={LONG[:32]}"),
        (f"--decryptKey={LONG}",),
        (f"--decryptKey={DIGITS}0",),
        ("--decryptKey", DIGITS),
        (f"-decryptKey={DIGITS}",),
        (f"--decriptKey={DIGITS}",),
        (f"--decryptKey{DIGITS}",),
        (DIGITS,),
        (f"--decryptKey={DIGITS}", f"--decryptKey={DIGITS}"),
        (f"--decryptKey={DIGITS}", "--configFile=none.cfg"),
    ]
    for flags in attempts:
        ran = run_converter([*base, *flags], folder)
        assert DIGITS[:12] not in ran.stdout + ran.stderr
        assert "ABCDEFGH" not in ran.stdout + ran.stderr
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 10
    assert not [data for data in written if DIGITS[:12].encode() in data or b"ABCDEFGH" in data]


def test_a_key_on_the_command_line_is_not_what_ps_shows(folder: Path) -> None:
    code = (
        "import sys, converter.__main__ as m, pathlib; m._run = lambda _: print(pathlib.Path('/proc/self/cmdline')"
        ".read_bytes().replace(b'\\0', b' ').decode()) or 0; sys.exit(m.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"--decryptKey={DIGITS}", f"--encryptKey={DIGITS}", "--decryptMode=AES-GCM"],
        cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith(f"--decryptKey={'x' * 32} --encryptKey={'x' * 32} --decryptMode=AES-GCM \n")
