"""The logic of bootstrap.sh, with stand-ins for Python, the compiler and the package manager."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sample_copy import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

# `python3 -c` succeeds (all modules are there, the version will do); `-m venv` makes an environment whose pip logs.
PYTHON = """\
case "$1" in
-c) case "$2" in *ensurepip*) exit "${NO_VENV:-0}" ;; *) exit "${OLD_PYTHON:-0}" ;; esac ;;
--version) echo "Python 3.11.${PATCH:-2}" ;;
-m) mkdir -p "$3/bin"; printf '#!/bin/sh\\necho "$@" >>"%s"\\nexit "${PIP_STATUS:-0}"\\n' "$LOG" >"$3/bin/python"
    chmod +x "$3/bin/python" ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """A directory with bootstrap.sh, and the programs that it finds."""

    root: Path

    def install(self, name: str, script: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def bootstrap(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", self.root / "project" / "bootstrap.sh", *command],
            capture_output=True,
            text=True,
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "LOG": str(self.root / "log"), **environment},
            timeout=60,
            check=False,
        )

    def log(self) -> list[str]:
        path = self.root / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text("[project]\n")
    shutil.copy2(PROJECT / "bootstrap.sh", tmp_path / "project")
    made = Machine(tmp_path)
    made.install("python3", PYTHON)
    made.install("gcc", "exit 0")
    made.install("id", "echo 1000")
    made.install("apt-get", 'echo "apt-get $*" >>"$LOG"')
    return made


def test_command_runs_in_the_environment_with_its_arguments(machine: Machine) -> None:
    ended = machine.bootstrap("sh", "-c", 'echo "$1|$VIRTUAL_ENV|$(pwd)"; exit 7', "sh", "a  b")
    project = machine.root / "project"
    assert ended.stdout == f"a  b|{project}/.venv|{project}\n"
    assert ended.returncode == 7
    assert machine.log() == ["-m pip install --disable-pip-version-check -e .[build,dev]"]


def test_environment_is_made_anew_only_when_pyproject_or_python_changed(machine: Machine) -> None:
    for _ in range(2):
        machine.bootstrap("true")
    assert len(machine.log()) == 1
    (machine.root / "project/pyproject.toml").write_text("[project]\nname = 'x'\n")
    for _ in range(2):
        machine.bootstrap("true")
    assert len(machine.log()) == 2
    machine.bootstrap("true", PATCH="3")
    assert len(machine.log()) == 3


def test_failed_installation_is_shown_and_tried_again(machine: Machine) -> None:
    ended = machine.bootstrap("echo", "reached", PIP_STATUS="1")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "bootstrap: this command failed: .venv/bin/python -m pip install" in ended.stderr
    assert machine.bootstrap("echo", "reached").stdout == "reached\n"


def test_user_who_is_not_root_gets_the_exact_command(machine: Machine) -> None:
    machine.install("gcc", "exit 1")
    ended = machine.bootstrap("true", NO_VENV="1")
    assert ended.returncode == 1
    command = "sudo apt-get install --no-install-recommends python3-venv gcc libc6-dev"
    assert ended.stderr == f"bootstrap: please run this first: {command}\n"
    assert machine.log() == []


def test_root_gets_the_missing_packages(machine: Machine) -> None:
    machine.install("gcc", "exit 1")
    machine.install("id", "echo 0")
    assert machine.bootstrap("true").returncode == 0
    assert machine.log()[:2] == ["apt-get update", "apt-get install -y --no-install-recommends gcc libc6-dev"]


def test_old_python_is_refused(machine: Machine) -> None:
    ended = machine.bootstrap("true", OLD_PYTHON="1")
    assert ended.returncode == 1
    assert "Python 3.10 or newer is needed" in ended.stderr


def test_no_command_prints_the_usage(machine: Machine) -> None:
    ended = machine.bootstrap()
    assert ended.returncode == 1
    assert ended.stderr.startswith("bootstrap: usage: sh bootstrap.sh COMMAND")


@pytest.mark.parametrize(
    ("arguments", "is_offered"),
    [(["run"], True), (["-j2", "run"], True), (["-j2", "run", "-Q"], True), (["models"], False), (["run-host"], False)],
)
def test_scons_run_offers_the_board_tools_when_they_are_missing(
    machine: Machine, arguments: list[str], *, is_offered: bool
) -> None:
    machine.install("scons", "exit 0")
    path = machine.root / "bin"
    for tool in ("sh", "dirname", "mktemp", "rm", "mkdir", "chmod", "cksum", "cmp", "cat"):
        (path / tool).symlink_to(shutil.which(tool) or pytest.fail(f"no {tool}"))
    ended = machine.bootstrap("scons", *arguments, PATH=str(path))
    assert ended.returncode == 0
    offer = "apt-get install --no-install-recommends gcc-arm-none-eabi qemu-system-arm\n"
    assert ended.stderr.endswith(offer) == is_offered
