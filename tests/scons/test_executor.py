"""Conversions on a Dask cluster: a real one, of two workers, that is killed in part and as a whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cache_servers import free_port
from scons_project import SCONSTRUCT, TREE

from converter import cluster, cluster_task
from converter.config import convert_options, load_config
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scons_project import Project

    from converter.cluster_task import Job, Outcome

# Put at the end of a project's own converter/worker.py: says which process asked, and waits while `slow` is there.
TELLTALE = """
_convert_really = _convert_with_api
def _convert_with_api(source, target, options, **more):
    here = Path({here!r})
    (here / "asked_by").write_text(str(os.getppid()))
    while (here / "slow").exists():
        __import__("time").sleep(0.02)
    return _convert_really(source, target, options, **more)
"""


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with _cluster() as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def _cluster() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("dask_cluster.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.fixture
def telling(own_converter: Project) -> Project:
    """A project whose converter says who asked it."""
    worker = own_converter.path / "converter/worker.py"
    text = worker.read_text(encoding="utf-8")
    place = text.index("\nif __name__")
    telltale = TELLTALE.format(here=str(own_converter.path))
    worker.write_text(text[:place] + telltale + text[place:], encoding="utf-8")
    return own_converter


def _on(project: Project, address: str) -> Project:
    project.write("SConstruct", SCONSTRUCT.replace("ENV={}", f"ENV={{}}, MSLITE_EXECUTOR={address!r}"))
    return project


def _wait_for(path: Path, seconds: float = 60) -> str:
    end = time.monotonic() + seconds
    while not path.exists() or not path.read_text(encoding="utf-8"):
        assert time.monotonic() < end, f"no {path.name}"
        time.sleep(0.02)
    return path.read_text(encoding="utf-8")


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_cluster_converts_to_the_same_bytes(telling: Project, scheduler: str, tmp_path: Path) -> None:
    telling.build()
    here = [(telling.path / "build" / name).read_bytes() for name in ("lenet.ms", "models.json")]
    shutil.rmtree(telling.path / "build")
    ran = _on(telling, scheduler).build()
    assert ran.converted == ["lenet.ms"]
    assert ran.err == ""
    assert "spawn_main" in _command_line(int((telling.path / "asked_by").read_text(encoding="utf-8")))
    assert [(telling.path / "build" / name).read_bytes() for name in ("lenet.ms", "models.json")] == here
    assert telling.is_up_to_date()
    # Who converts is no reason to convert again.
    telling.write("SConstruct", SCONSTRUCT)
    assert telling.is_up_to_date()
    assert tmp_path.exists()


def test_broken_model_is_reported_from_the_cluster_as_from_here(project: Project, scheduler: str) -> None:
    project.write("models/lenet.mindir", "not a model")
    here = project.run("models")
    there = _on(project, scheduler).run("models")
    assert (there.code, there.err) == (here.code, here.err)
    assert "scons: *** [build/lenet.ms] models/lenet.mindir: error[E3" in there.err


def test_killed_cluster_worker_costs_a_retry(telling: Project, scheduler: str) -> None:
    (telling.path / "slow").touch()
    _on(telling, scheduler)
    with telling.started("models") as scons:
        first = int(_wait_for(telling.path / "asked_by"))
        assert "spawn_main" in _command_line(first)
        (telling.path / "asked_by").unlink()
        (telling.path / "slow").unlink()
        os.kill(first, signal.SIGKILL)
        out, _ = scons.communicate(timeout=120)
        assert scons.returncode == 0, out
    assert int(_wait_for(telling.path / "asked_by")) != first
    assert telling.left_over() == []
    assert telling.is_up_to_date()


def test_scheduler_that_dies_costs_local_time(telling: Project) -> None:
    (telling.path / "slow").touch()
    with _cluster() as process:
        assert process.stdout is not None
        _on(telling, process.stdout.readline().strip())
        with telling.started("models") as scons:
            asked_by = int(_wait_for(telling.path / "asked_by"))
            process.kill()
            os.kill(asked_by, signal.SIGKILL)
            (telling.path / "slow").unlink()
            out, _ = scons.communicate(timeout=120)
            assert scons.returncode == 0, out
    assert "; converting on this machine" in out
    assert telling.is_up_to_date()


def test_no_scheduler_costs_a_line(project: Project) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    project.model("models/other.mindir")
    _on(project, address)
    with (project.path / "SConstruct").open("a", encoding="utf-8") as stream:
        stream.write("env.MSLiteModel('build/other.ms', 'models/other.mindir')\n")
    ran = project.build("-j2", "models")
    assert sorted(ran.converted) == ["lenet.ms", "other.ms"]
    expected = f"MSLITE_EXECUTOR {address}: no Dask scheduler answers at {address}; converting on this machine\n"
    assert ran.err == expected


def test_address_that_is_none_is_refused(project: Project) -> None:
    ran = _on(project, "scheduler").run("models")
    assert ran.code == 2
    assert "MSLITE_EXECUTOR is 'scheduler'; use the address of a Dask scheduler" in ran.err


def test_machine_without_shared_files_is_sent_what_it_needs(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_task.tempfile, "tempdir", str(tmp_path))
    rounds: list[list[str]] = []

    def elsewhere(job: Job) -> Outcome:
        """Another machine: the same function, where no path of ours exists."""
        with monkeypatch.context() as patch:
            patch.setattr(cluster_task, "_sha256", _missing)
            rounds.append(sorted(job["contents"]))
            return cluster_task.run(job)

    request = {
        "id": 1,
        "source": "models/lenet.mindir",
        "target": "made.ms",
        "options": ConvertOptions().canonical(),
        "config": None,
        "hash": ["models/lenet.mindir", str(project.path / "models/lenet.cfg")],
    }
    requests = [json.dumps(request), json.dumps({**request, "id": 2, "target": "again.ms"})]
    with (tmp_path / "answers").open("w", encoding="utf-8") as answers:
        for line in requests:
            cluster.serve(elsewhere, [line], answers, project.path)
    first, second = [json.loads(line) for line in (tmp_path / "answers").read_text(encoding="utf-8").splitlines()]
    assert [first["ok"], second["ok"]] == [True, True], first
    assert set(first["hashes"]) == set(request["hash"])
    assert (project.path / "made.ms").read_bytes() == (project.path / "again.ms").read_bytes()
    # First nothing, then model, config and converter; the converter is on that machine from then on.
    assert [len(sent) for sent in rounds] == [0, 3, 0, 2]


def test_calibration_samples_go_to_another_machine(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_task.tempfile, "tempdir", str(tmp_path))
    for at in range(2):
        project.write(f"models/samples/{at}.bin", "\0" * (4 * 32 * 32 * 4 - 1) + "?")
    project.write(
        "models/lenet.cfg",
        "[common_quant_param]\nquant_type=FULL_QUANT\n"
        "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=2\ninput_type=BIN\n",
    )
    monkeypatch.chdir(project.path)
    request = {
        "id": 1,
        "source": "models/lenet.mindir",
        "target": "made.ms",
        "options": convert_options(load_config(Path("models/lenet.cfg"))).canonical(),
        "directories": ["models/samples", "samples"],
        "hash": ["models/lenet.mindir"],
    }

    def elsewhere(job: Job) -> Outcome:
        with monkeypatch.context() as patch:
            patch.setattr(cluster_task, "_sha256", _missing)
            return cluster_task.run(job)

    with (tmp_path / "answers").open("w", encoding="utf-8") as answers:
        cluster.serve(elsewhere, [json.dumps(request)], answers, project.path)
    answer = json.loads((tmp_path / "answers").read_text(encoding="utf-8"))
    assert answer["ok"], answer
    assert list(answer["hashes"]) == ["models/lenet.mindir"]


def _missing(_path: Path) -> str:
    raise FileNotFoundError


def test_converter_that_dies_elsewhere_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def die(_job: Job) -> Outcome:
        raise RuntimeError("worker died while converting: killed by signal 9")

    (tmp_path / "net.mindir").write_bytes(b"seven")
    answer = _served(die, tmp_path)
    assert answer == {
        "id": 7,
        "ok": False,
        "message": "net.mindir: worker died while converting: killed by signal 9",
    }
    monkeypatch.undo()


def _served(submit: Callable[[Job], Outcome], directory: Path) -> dict[str, object]:
    line = json.dumps({"id": 7, "source": "net.mindir", "target": "net.ms", "options": {}})
    with (directory / "answers").open("w", encoding="utf-8") as answers:
        cluster.serve(submit, [line], answers, directory)
    answer: dict[str, object] = json.loads((directory / "answers").read_text(encoding="utf-8"))
    return answer


def test_extra_names_what_the_bridge_imports() -> None:
    text = (TREE / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dask = ["distributed' in text
