"""Failed, interrupted and killed builds: no target, no half file, and the next build is right."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG, SCONSTRUCT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scons_project import Project

SLOW = """
if (here / 'slow').exists():
    target.write_bytes(b'half')
    (here / 'started').write_text(str(os.getpid()))
    time.sleep(60)
"""


def _with_faults(project: Project, body: str) -> None:
    python = project.faulty_python(body)
    project.write("SConstruct", SCONSTRUCT.replace("ENV={}", f"ENV={{}}, MSLITE_PYTHON={str(python)!r}"))


def _wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def _worker(project: Project) -> int:
    """Wait until a worker converts; return its process id."""
    started = project.path / "started"
    _wait(lambda: started.exists() and started.read_text(encoding="utf-8") != "")
    return int(started.read_text(encoding="utf-8"))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("content", [b"", b"not a model", None], ids=["empty", "random", "truncated"])
def test_broken_model_leaves_no_target_and_is_tried_again(project: Project, content: bytes | None) -> None:
    project.build()
    model = project.path / "models/lenet.mindir"
    good = model.read_bytes()
    model.write_bytes(good[: len(good) // 2] if content is None else content)
    for _ in range(2):
        ran = project.run("models")
        assert ran.code == 2
        assert ran.err.startswith("scons: *** [build/lenet.ms] models/lenet.mindir: error[E3")
        assert "Traceback" not in ran.err
        assert not (project.path / "build/lenet.ms").exists()
        assert project.left_over() == []
    model.write_bytes(good)
    assert project.build().converted == ["lenet.ms"]
    assert project.is_up_to_date()


def test_missing_model_is_named(project: Project) -> None:
    (project.path / "models/lenet.mindir").unlink()
    ran = project.run("models")
    assert ran.code == 2
    assert "Source `models/lenet.mindir' not found, needed by target `build/lenet.ms'" in ran.err


def test_all_problems_of_a_config_are_reported_at_once(project: Project) -> None:
    project.write("models/lenet.cfg", CONFIG.replace("bit_num=8", "bit_nmu=8") + "min_quant_weight_channel=many\n")
    ran = project.run("models")
    assert ran.code == 2
    assert "models/lenet.cfg:3: error[E110]" in ran.err
    assert "models/lenet.cfg:5: error[E112]" in ran.err
    assert ran.err.count("scons: ***") == 1
    project.write("models/lenet.cfg", CONFIG)
    assert project.build().converted == ["lenet.ms"]


def test_missing_config_is_named(project: Project) -> None:
    (project.path / "models/lenet.cfg").unlink()
    ran = project.run("models")
    assert ran.code == 2
    assert ran.err == "scons: *** [build/lenet.ms] models/lenet.cfg: error[E114]: the config file does not exist\n"


def test_keep_going_builds_the_other_models(project: Project) -> None:
    project.write("models/broken.mindir", "nothing")
    project.write("SConstruct", SCONSTRUCT + "env.MSLiteModel('build/broken.ms', 'models/broken.mindir')\n")
    ran = project.run("-k", "-j2", "models")
    assert ran.code == 2
    assert ran.converted == ["lenet.ms"]
    assert ran.err.count("scons: ***") == 1


def test_output_that_cannot_be_written_is_named(project: Project) -> None:
    if os.geteuid() == 0:
        # Root may write anywhere: a file stands where the scratch directory would be made.
        project.write("build", "a file, no directory")
    else:
        (project.path / "build").mkdir(mode=0o500)
    ran = project.run("models")
    assert ran.code == 2
    assert "build" in ran.err
    assert "Traceback" not in ran.err


def test_worker_killed_once_is_replaced(project: Project) -> None:
    _with_faults(
        project,
        """
mark = here / 'died'
if not mark.exists():
    mark.touch()
    target.write_bytes(b'half')
    os.kill(os.getpid(), signal.SIGKILL)
""",
    )
    assert project.build().converted == ["lenet.ms"]
    assert (project.path / "died").exists()
    assert project.left_over() == []
    assert project.is_up_to_date()


def test_worker_that_dies_twice_fails_the_build(project: Project) -> None:
    _with_faults(project, "target.write_bytes(b'half')\nos.kill(os.getpid(), signal.SIGKILL)")
    ran = project.run("models")
    assert ran.code == 2
    assert "scons: *** [build/lenet.ms]" in ran.err
    assert "worker died while converting models/lenet.mindir: killed by signal 9" in ran.err
    assert not (project.path / "build/lenet.ms").exists()
    assert project.left_over() == []


def test_bug_in_the_converter_says_that_it_is_one(project: Project) -> None:
    _with_faults(project, "raise ZeroDivisionError('by seven')")
    ran = project.run("models")
    assert ran.code == 2
    assert "scons: *** [build/lenet.ms] models/lenet.mindir: error[E901]: bug in the converter" in ran.err
    assert "ZeroDivisionError: by seven" in ran.err


def test_print_in_the_converter_does_not_break_the_protocol(project: Project) -> None:
    _with_faults(project, "print('{\"id\": 1}')\nos.write(1, b'loud\\n')")
    assert project.build().converted == ["lenet.ms"]


def test_killed_build_publishes_nothing_and_the_next_one_is_right(project: Project) -> None:
    _with_faults(project, SLOW)
    project.write("slow", "")
    with project.started("models") as scons:
        worker = _worker(project)
        scons.kill()
        scons.communicate()
    _wait(lambda: not _is_running(worker), seconds=10)
    assert not (project.path / "build/lenet.ms").exists()
    assert project.left_over() == []
    (project.path / "slow").unlink()
    assert project.build().converted == ["lenet.ms"]
    assert project.left_over() == []
    assert project.is_up_to_date()


def test_killed_with_its_worker_leaves_nothing_after_the_next_build(project: Project) -> None:
    _with_faults(project, SLOW)
    project.write("slow", "")
    with project.started("models") as scons:
        worker = _worker(project)
        os.kill(scons.pid, signal.SIGSTOP)
        os.kill(worker, signal.SIGKILL)
        scons.kill()
        scons.communicate()
    assert not (project.path / "build/lenet.ms").exists()
    (project.path / "slow").unlink()
    assert project.build().converted == ["lenet.ms"]
    assert project.left_over() == []


def test_targets_of_a_killed_build_are_not_taken_for_those_of_the_build_before(project: Project) -> None:
    """SCons stores what it built at its end: killed after a conversion it would find the older build's record."""
    wait = """
def wait(target, source, env):
    open('waiting', 'w').close()
    __import__('time').sleep(60 if 'WAIT' in ARGUMENTS else 0)
env.Command('build/last', 'build/models.json', wait)
"""
    project.write("SConstruct", SCONSTRUCT + wait)
    project.build("build/last")
    right = {name: (project.path / "build" / name).read_bytes() for name in ("lenet.ms", "models.json")}
    (project.path / "waiting").unlink()
    project.write("models/lenet.cfg", CONFIG.replace("=0", "=65000"))
    with project.started("build/last", "WAIT=1") as scons:
        _wait((project.path / "waiting").exists)
        scons.kill()
        scons.communicate()
    assert (project.path / "build/lenet.ms").read_bytes() != right["lenet.ms"]
    project.write("models/lenet.cfg", CONFIG)
    assert project.build().converted == ["lenet.ms"]
    assert {name: (project.path / "build" / name).read_bytes() for name in right} == right
    assert project.left_over() == ["last"] or project.left_over() == []
    assert project.is_up_to_date()


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_interrupted_build_finishes_what_runs_and_goes_on_later(project: Project, jobs: str) -> None:
    _with_faults(project, "(here / 'started').touch()\nwhile not (here / 'go').exists(): time.sleep(0.02)")
    project.model("models/z.mindir")
    with (project.path / "SConstruct").open("a", encoding="utf-8") as stream:
        stream.write("Depends(env.MSLiteModel('build/z.ms', 'models/z.mindir'), 'build/lenet.ms')\n")
    with project.started(jobs, "models") as scons:
        _wait((project.path / "started").exists)
        os.killpg(scons.pid, signal.SIGINT)
        project.write("go", "")
        out, _ = scons.communicate(timeout=60)
        assert scons.returncode == 2, out
    assert not (project.path / "build/z.ms").exists()
    assert project.left_over() == []
    assert sorted({*project.build().converted, "lenet.ms"}) == ["lenet.ms", "z.ms"]
    assert project.is_up_to_date()


def test_workers_end_with_the_build(project: Project) -> None:
    _with_faults(project, "(here / 'started').write_text(str(os.getpid()))")
    project.build()
    pid = _worker(project)
    _wait(lambda: not _is_running(pid), seconds=5)


def test_model_edited_during_its_conversion_does_not_poison_the_cache(project: Project, tmp_path: Path) -> None:
    _with_faults(
        project,
        """
mark = here / 'edited'
if not mark.exists():
    mark.touch()
    with open(source, 'ab') as stream:
        stream.write(bytes([0x92, 0x3f, 1, 120]))
""",
    )
    cache = tmp_path / "cache"
    text = (project.path / "SConstruct").read_text(encoding="utf-8")
    project.write("SConstruct", f"CacheDir({str(cache)!r})\n" + text)
    project.build()
    assert [
        path for path in cache.rglob("*") if path.is_file() and path.name != "config" and path.suffix != ".TAG"
    ] == []
    assert project.build().converted == ["lenet.ms"]
    assert project.is_up_to_date()
