"""The worker's protocol: one answer per request, whatever happens, and an end when its master is gone."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter import fingerprint
from converter.errors import ConversionError, Problem
from converter.options import ConvertOptions, QuantOptions
from converter.report import Report, TensorReport
from converter.worker import ORPHANED, Requests, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Convert = Callable[[Path, Path, ConvertOptions], Report]

ROOT = Path(fingerprint.PACKAGE).parent
IMAGE = TensorReport("x", "float32", (2, 3, 5, 7), "NHWC")
REPORT = Report("net.mindir", "MindSpore", 3, 2, 5, (IMAGE,), (IMAGE,), (("warning", "slow", None),))


def _request(tmp_path: Path, **more: object) -> dict[str, Any]:
    base = {"id": 7, "source": "net.mindir", "target": str(tmp_path / "net.ms"), "config": None}
    return {**base, "options": ConvertOptions().canonical(), **more}


def _answers(convert: Convert, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    out = io.StringIO()
    serve(convert, [json.dumps(request) + "\n" for request in requests], out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_good_conversion_is_described(tmp_path: Path) -> None:
    def convert(source: Path, target: Path, options: ConvertOptions) -> Report:
        assert (source, options) == (Path("net.mindir"), ConvertOptions(train=True, quant=QuantOptions(bit_num=8)))
        target.write_bytes(b"12345")
        return REPORT

    options = ConvertOptions(train=True, quant=QuantOptions(bit_num=8)).canonical()
    hashed = tmp_path / "input"
    hashed.write_bytes(b"abc")
    [answer] = _answers(convert, _request(tmp_path, options=options, hash=[str(hashed)]))
    assert (answer["id"], answer["ok"], answer["bytes"]) == (7, True, 5)
    assert answer["sha256"] == "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
    assert answer["hashes"] == {str(hashed): "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    assert answer["inputs"] == [{"name": "x", "dtype": "float32", "shape": [2, 3, 5, 7], "layout": "NHWC"}]
    assert answer["warnings"] == ["slow"]
    assert answer["report"]["nodes"] == 3


def test_problems_are_answered_with_the_official_status(tmp_path: Path) -> None:
    def convert(_source: Path, _target: Path, _options: ConvertOptions) -> Report:
        raise ConversionError([Problem("E201", "no Frobnicate", "net.mindir"), Problem("E202", "bad", "net.mindir")])

    [answer] = _answers(convert, _request(tmp_path))
    assert answer == {
        "id": 7,
        "ok": False,
        "status": -300,
        "message": "net.mindir: error[E201]: no Frobnicate\nnet.mindir: error[E202]: bad",
    }


def test_bug_is_answered_and_the_worker_lives_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def convert(_source: Path, target: Path, _options: ConvertOptions) -> Report:
        if target.name == "net.ms":
            raise ZeroDivisionError("by seven")
        target.touch()
        return REPORT

    other = str(tmp_path / "other.ms")
    bug, good = _answers(convert, _request(tmp_path), _request(tmp_path, id=11, target=other))
    assert bug["ok"] is False
    assert bug["message"].startswith(
        "net.mindir: error[E901]: bug in the converter, please report it: ZeroDivisionError"
    )
    assert "by seven" in capsys.readouterr().err
    assert (good["id"], good["ok"]) == (11, True)


def test_option_that_does_not_exist_is_a_bug_of_the_caller(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [answer] = _answers(lambda *_: REPORT, _request(tmp_path, options={"trian": True}))
    assert "error[E901]" in answer["message"]
    assert "trian" in capsys.readouterr().err


def test_unwritable_output_is_located(tmp_path: Path) -> None:
    def convert(_source: Path, target: Path, _options: ConvertOptions) -> Report:
        target.write_bytes(b"")
        return REPORT

    target = tmp_path / "missing" / "net.ms"
    [answer] = _answers(convert, _request(tmp_path, target=str(target)))
    assert answer["message"] == f"{target}: error[E120]: conversion could not be finished: No such file or directory"


def test_end_of_requests_stops_an_idle_worker_in_peace() -> None:
    read, write = os.pipe()
    stopped: queue.SimpleQueue[int] = queue.SimpleQueue()
    with os.fdopen(read, encoding="utf-8") as stream:
        requests = iter(Requests(stream, stopped.put))
        os.write(write, b'{"id": 1}\n')
        assert next(requests) == '{"id": 1}\n'
        # Asking for the next one says that the first is answered; the pipe closes meanwhile.
        os.write(write, b'{"id": 2}\n')
        assert next(requests) == '{"id": 2}\n'
        os.write(write, b'{"id": 3}\n')
        assert next(requests) == '{"id": 3}\n'
        assert stopped.empty()
        os.close(write)
        assert stopped.get(timeout=10) == ORPHANED


def test_orphaned_worker_stops_in_mid_conversion_and_removes_its_scratch(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "half.ms").write_bytes(b"half")
    read, write = os.pipe()
    stopped: queue.SimpleQueue[int] = queue.SimpleQueue()
    with os.fdopen(read, encoding="utf-8") as stream:
        requests = iter(Requests(stream, stopped.put))
        os.write(write, json.dumps({"id": 1, "scratch": str(scratch)}).encode() + b"\n")
        next(requests)
        os.close(write)
        assert stopped.get(timeout=10) == ORPHANED
    assert not scratch.exists()


def test_process_answers_on_stdout_and_ends_with_stdin(tmp_path: Path) -> None:
    request = json.dumps(_request(tmp_path, source="missing.mindir"))
    done = subprocess.run(
        [sys.executable, "-m", "converter.worker", str(tmp_path)],
        input=request + "\n",
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    # Stdin ends while the request is open or after its answer: both are an end, the first one an abrupt one.
    assert done.returncode in {0, ORPHANED}
    for line in done.stdout.splitlines():
        assert json.loads(line)["message"].startswith("missing.mindir: error[E301]")


# ----------------------------------------------------------------------------------------------------------------------
# The converter's fingerprint


def test_code_hash_ignores_caches_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "a.py").write_bytes(b"x = 1\ny = 2\n")
    first = fingerprint.code_hash(tmp_path)
    (tmp_path / "ops" / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    (tmp_path / "ops" / "__pycache__").mkdir()
    (tmp_path / "ops" / "__pycache__" / "a.py").write_text("cache", encoding="utf-8")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.py").write_text("cache", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no code", encoding="utf-8")
    assert fingerprint.code_hash(tmp_path) == first


def test_code_hash_sees_content_names_and_where_a_file_ends(tmp_path: Path) -> None:
    hashes = set()
    for number, files in enumerate(({"a.py": "xy"}, {"a.py": "xz"}, {"b.py": "xy"}, {"a.py": "x", "b.py": "y"})):
        package = tmp_path / str(number)
        package.mkdir()
        for name, text in files.items():
            (package / name).write_text(text, encoding="utf-8")
        hashes.add(fingerprint.code_hash(package))
    assert len(hashes) == 4


def test_code_hash_covers_this_package() -> None:
    names = {path.relative_to(fingerprint.PACKAGE).as_posix() for path in fingerprint.source_files()}
    assert {"worker.py", "config/keys.py", "_generated/mind_ir_pb2.py"} <= names
    assert len(fingerprint.code_hash()) == 64
