"""A real file system that is full, or read-only: a small tmpfs in a mount namespace of its own. CI demands it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.zoo import LENET, ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Root needs no namespace of users for that, and a container may have none.
ALONE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
# Prints the converter's messages, its exit code, what is there afterwards, and the old file.
SCRIPT = """
mount -t tmpfs -o size={size} tmpfs "$1" && cd "$1" && echo old >net.ms && {more} || exit 99
PYTHONPATH="$2" "$3" -m converter --fmk=MINDIR --trainModel=true --modelFile="$4" --outputFile=net 2>&1
echo "$?"
ls -A
cat net.ms
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a file system may be mounted."""
    tried = subprocess.run([*ALONE, "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True, check=False)
    if tried.returncode:
        message = f"no right to mount a tmpfs: {tried.stderr.decode()}"
        assert os.environ.get("MSLITE_REQUIRE_MOUNT") != "1", message
        pytest.skip(message)
    return tmp_path


def convert_at(place: Path, size: str, more: str) -> list[str]:
    """The lines of SCRIPT."""
    script = SCRIPT.format(size=size, more=more)
    command = [*ALONE, "sh", "-c", script, "sh", str(place), str(ROOT), sys.executable, str(LENET.model)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.splitlines()


@pytest.mark.parametrize("size", ["8k", "32k", "64k"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(place: Path, size: str) -> None:
    *said, code, name, content = convert_at(place, size, "true")
    assert any("E120" in line and "No space left on device" in line for line in said), said
    assert (code != "0", name, content) == (True, "net.ms", "old")


def test_a_read_only_file_system_leaves_the_old_file(place: Path) -> None:
    *said, code, name, content = convert_at(place, "1m", "mount -o remount,ro .")
    assert any("E120" in line and "Read-only file system" in line for line in said), said
    assert (code != "0", name, content) == (True, "net.ms", "old")
