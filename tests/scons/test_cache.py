"""The shared directory: what another checkout gets from it, and that no state of it can spoil a build."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from cache_checkouts import (
    FILES,
    clone_of,
    entries_of,
    is_quiet,
    made_bytes,
    needs_custom_caches,
    retrieved_lines,
    with_cache,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scons_project import Project

pytestmark = needs_custom_caches


def test_another_checkout_is_served_from_the_directory(project: Project, cache: Path, tmp_path: Path) -> None:
    with_cache(project, cache).build()
    clone = clone_of(project, tmp_path / "another checkout")
    ran = clone.build()
    assert ran.converted == []
    assert retrieved_lines(ran) == [f"Retrieved `{name}' from cache" for name in FILES]
    assert made_bytes(clone) == made_bytes(project)
    assert clone.is_up_to_date()


@pytest.mark.parametrize("damage", ["other bytes", "half", "no digest", "digest is rubbish"])
def test_damaged_entry_is_not_used_and_replaced(project: Project, cache: Path, tmp_path: Path, damage: str) -> None:
    with_cache(project, cache).build()
    [entry] = [path for path in entries_of(cache) if path.stat().st_size > 5000]
    good = entry.read_bytes()
    digest = entry.with_name(entry.name + ".sha256")
    if damage == "other bytes":
        entry.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    elif damage == "half":
        entry.write_bytes(good[: len(good) // 2])
    elif damage == "no digest":
        digest.unlink()
    else:
        digest.write_bytes(b"\xff\xfe")
    clone = clone_of(project, tmp_path / "clone")
    ran = clone.build()
    assert ran.converted == ["lenet.ms"]
    assert is_quiet(ran)
    assert made_bytes(clone) == made_bytes(project)
    assert entry.read_bytes() == good
    assert retrieved_lines(clone_of(project, tmp_path / "third").build()) != []


def test_read_only_cache_is_used_and_left_alone(project: Project, cache: Path, tmp_path: Path) -> None:
    with_cache(project, cache)
    assert project.build("--cache-readonly", "models").converted == ["lenet.ms"]
    assert entries_of(cache) == []
    other = clone_of(project, tmp_path / "other")
    assert other.build().converted == ["lenet.ms"]
    before = [(path, path.read_bytes()) for path in entries_of(cache)]
    assert clone_of(project, tmp_path / "third").build("--cache-readonly", "models").converted == []
    assert [(path, path.read_bytes()) for path in entries_of(cache)] == before


def test_dry_run_changes_nothing(project: Project, cache: Path, tmp_path: Path) -> None:
    with_cache(project, cache).build()
    for entry in entries_of(cache):
        entry.write_bytes(b"damaged")
    clone = clone_of(project, tmp_path / "clone")
    assert clone.build("-n", "models").converted == ["lenet.ms"]
    assert {entry.read_bytes() for entry in entries_of(cache)} == {b"damaged"}
    assert not (clone.path / "build").exists()


def test_directory_that_cannot_be_written_costs_the_cache_not_the_build(project: Project, cache: Path) -> None:
    with_cache(project, cache).build()
    for directory in {entry.parent for entry in entries_of(cache)}:
        shutil.rmtree(directory)
        # Root may write anywhere: a file stands where the directory would be made.
        directory.write_text("a file", encoding="utf-8")
    for name in FILES:
        (project.path / name).unlink()
    ran = project.build()
    assert ran.converted == ["lenet.ms"]
    assert f"mslite cache {cache}: cannot be written" in ran.err


def test_clean_cache_removes_the_longest_unused_first(project: Project, cache: Path) -> None:
    big = (
        "env.Command('build/big', [], lambda target, **_: open(str(target[0]), 'wb').write(bytes(1 << 20)) and None)\n"
    )
    with_cache(project, cache)
    text = (project.path / "SConstruct").read_text(encoding="utf-8")
    project.write("SConstruct", text.replace("ENV={}", "ENV={}, MSLITE_CACHE_LIMIT_MB=ARGUMENTS['KEEP']") + big)
    project.build("models", "build/big", "KEEP=1")
    for at, entry in enumerate(sorted(entries_of(cache), key=lambda path: path.stat().st_size)):
        os.utime(entry, (1000 + at, 1000 + at))
    assert f"{cache.name}: 2 files removed, 1 with 1024 KB kept" in project.build("models-clean-cache", "KEEP=1").out
    assert [entry.stat().st_size for entry in entries_of(cache)] == [1 << 20]
    assert "1 files removed, 0 with 0 KB kept" in project.build("models-clean-cache", "KEEP=0").out
    assert list(cache.glob("*/*")) == []
    assert (cache / "config").exists()
