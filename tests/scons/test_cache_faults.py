"""Servers that are poisoned, slow or dead: the build is right, and hardly later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from cache_checkouts import clone_of, entries_of, made_bytes, needs_custom_caches, with_cache
from cache_servers import Handler, StandIn, free_port, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scons_project import Project

pytestmark = needs_custom_caches


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory, first_build: Project) -> Iterator[tuple[StandIn, Project]]:
    """A server that has what a project built, and that project; neither is to be touched."""
    with stand_in(tmp_path_factory.mktemp("server")) as running:
        project = clone_of(first_build, tmp_path_factory.mktemp("filling"))
        with_cache(project, project.path / "cache", f", {running.shelf.url!r}").build()
        yield running, project


@pytest.fixture
def filled(filled_once: tuple[StandIn, Project]) -> Iterator[tuple[StandIn, Project]]:
    """The same, behaving well again afterwards."""
    yield filled_once
    filled_once[0].fault = None


def _flipped(handler: Handler, path: Path) -> bool:
    """A blob with one bit changed."""
    if "cas" not in path.parts:
        return False
    content = path.read_bytes()
    handler.answer(200, content[:-1] + bytes([content[-1] ^ 1]))
    return True


def _longer(handler: Handler, path: Path) -> bool:
    """A blob that does not end where it should."""
    if "cas" not in path.parts:
        return False
    handler.answer(200, path.read_bytes() * 3)
    return True


def _cut(handler: Handler, path: Path) -> bool:
    """A connection that breaks in the middle of a blob."""
    if "cas" not in path.parts:
        return False
    content = path.read_bytes()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True
    return True


def _swapped(handler: Handler, path: Path) -> bool:
    """Answers to other questions: whole, well-formed, naming blobs that exist."""
    if "ac" not in path.parts:
        return False
    [other] = [one for one in sorted(path.parent.iterdir()) if one != path]
    handler.answer(200, other.read_bytes())
    return True


def _rubbish(handler: Handler, _path: Path) -> bool:
    handler.answer(200, b"\xff\x00<html>captive portal</html>" * 7)
    return True


def _endless_size(handler: Handler, path: Path) -> bool:
    """An answer whose protobuf never ends."""
    handler.answer(200, b"\x12" + b"\xff" * 64 if "ac" in path.parts else b"")
    return True


def _missing_blob(handler: Handler, path: Path) -> bool:
    if "cas" not in path.parts:
        return False
    handler.answer(404, b"")
    return True


def _broken(handler: Handler, _path: Path) -> bool:
    handler.answer(503, b"")
    return True


def _hangs_up(handler: Handler, _path: Path) -> bool:
    handler.close_connection = True
    return True


FAULTS = [_flipped, _longer, _cut, _swapped, _rubbish, _endless_size, _missing_blob, _broken, _hangs_up]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_poisoned_server_never_spoils_a_build(
    filled: tuple[StandIn, Project], tmp_path: Path, fault: Callable[[Handler, Path], bool]
) -> None:
    server, project = filled
    server.fault = fault
    rest = f", {server.shelf.url!r}"
    machine = with_cache(clone_of(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    ran = machine.build("-j2", "models")
    assert ran.converted == ["lenet.ms"]
    assert made_bytes(machine) == made_bytes(project)
    assert "Traceback" not in ran.err
    assert "error" not in ran.err
    assert fault is _missing_blob or f"mslite cache {server.shelf.url}: " in ran.err
    assert machine.is_up_to_date()


def _silent(_handler: Handler, _path: Path) -> bool:
    time.sleep(8)
    return True


def _drips(handler: Handler, path: Path) -> bool:
    """A byte now and then: no read ever times out."""
    content = path.read_bytes()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    for _ in range(80):
        handler.wfile.write(content[:1])
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("fault", [_silent, _drips], ids=["silent", "dripping"])
def test_slow_server_stalls_a_build_once_and_shortly(
    filled: tuple[StandIn, Project], tmp_path: Path, fault: Callable[[Handler, Path], bool]
) -> None:
    server, project = filled
    server.fault = fault
    rest = f", {server.shelf.url!r}, timeout=0.5"
    machine = with_cache(clone_of(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    started = time.monotonic()
    ran = machine.build()
    assert time.monotonic() - started < 6
    assert ran.converted == ["lenet.ms"]
    assert ran.err.count("; not used any more in this build") == 1
    assert made_bytes(machine) == made_bytes(project)


def test_dead_server_is_asked_once(project: Project, cache: Path) -> None:
    ran = with_cache(project, cache, f", 'http://127.0.0.1:{free_port()}'").build()
    assert ran.converted == ["lenet.ms"]
    assert ran.err.count("mslite cache") == 1
    assert "Connection refused; not used any more in this build" in ran.err
    assert len(entries_of(cache)) == 2
