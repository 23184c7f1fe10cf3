"""The server behind the shared directory: what another machine gets from it, and what is never shown."""

from __future__ import annotations

import hashlib
import os
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
from cache_servers import Shelf, StandIn, nginx, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scons_project import Project

pytestmark = needs_custom_caches


@pytest.fixture
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """The server of the round trip: nginx where CI demands it, else the small one."""
    directory = tmp_path_factory.mktemp("server")
    if os.environ.get("MSLITE_REQUIRE_SERVERS") == "1":
        with nginx(directory) as running:
            yield running
    else:
        with stand_in(directory) as running:
            yield running.shelf


def test_another_machine_is_served_from_the_server(project: Project, cache: Path, shelf: Shelf, tmp_path: Path) -> None:
    rest = f", {shelf.url!r}"
    ran = with_cache(project, cache, rest).build()
    assert ran.converted == ["lenet.ms"]
    assert is_quiet(ran)
    assert [path.name for path in shelf.files("cas")] == sorted(
        hashlib.sha256((project.path / name).read_bytes()).hexdigest() for name in FILES
    )
    assert len(shelf.files("ac")) == 2
    machine = with_cache(clone_of(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    ran = machine.build()
    assert ran.converted == []
    assert is_quiet(ran)
    assert len(retrieved_lines(ran)) == 2
    assert made_bytes(machine) == made_bytes(project)
    assert machine.is_up_to_date()
    # What was fetched lies in the local tier now: the server is not asked again.
    asked = len(shelf.requests())
    again = with_cache(clone_of(project, tmp_path / "again"), tmp_path / "its cache", rest)
    assert again.build().converted == []
    assert len(shelf.requests()) == asked


def test_executables_stay_executable(project: Project, cache: Path, server: StandIn, tmp_path: Path) -> None:
    rest = f", {server.shelf.url!r}"
    script = "env.Command('build/run', 'models/lenet.cfg', [Copy('$TARGET', '$SOURCE'), Chmod('$TARGET', 0o755)])\n"
    with_cache(project, cache, rest)
    with (project.path / "SConstruct").open("a", encoding="utf-8") as stream:
        stream.write(script)
    project.build("build/run")
    clone = clone_of(project, tmp_path / "clone")
    text = (clone.path / "SConstruct").read_text(encoding="utf-8")
    clone.write("SConstruct", text.replace(str(cache), str(tmp_path / "its cache")))
    assert "Retrieved `build/run' from cache" in clone.build("build/run").out
    assert os.access(clone.path / "build/run", os.X_OK)


def test_readonly_uploads_nothing(project: Project, cache: Path, server: StandIn) -> None:
    with_cache(project, cache, f", {server.shelf.url!r}, readonly=True").build()
    assert set(server.requests) == {"GET 404"}


def test_cache_readonly_option_uses_the_server_and_writes_nowhere(
    project: Project, cache: Path, server: StandIn, tmp_path: Path
) -> None:
    rest = f", {server.shelf.url!r}"
    with_cache(project, cache, rest).build()
    puts = server.requests.count("PUT 201")
    machine = with_cache(clone_of(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    assert machine.build("--cache-readonly", "models").converted == []
    assert made_bytes(machine) == made_bytes(project)
    assert entries_of(tmp_path / "its cache") == []
    assert server.requests.count("PUT 201") == puts


def test_password_is_sent_and_never_shown(project: Project, cache: Path, server: StandIn) -> None:
    server.refuses = True
    url = server.shelf.url.replace("http://", "http://ci:p%40ss@")
    ran = with_cache(project, cache, f", {url!r}").build()
    assert set(server.credentials) == {"Basic Y2k6cEBzcw=="}
    assert f"mslite cache {server.shelf.url}: answered with status 403; not used any more in this build" in ran.err
    assert "p%40ss" not in ran.out + ran.err


def test_address_that_is_none_is_refused(project: Project, cache: Path) -> None:
    ran = with_cache(project, cache, ", 'user:secret@somewhere'").run("models")
    assert ran.code == 2
    assert "SConstruct:2: MSLiteCacheDir: 'somewhere' is not an address of a server" in ran.err
    assert "secret" not in ran.err


def test_secret_shuts_out_who_does_not_have_it(project: Project, cache: Path, server: StandIn, tmp_path: Path) -> None:
    rest = f", {server.shelf.url!r}"
    sealed = "import os\nos.environ['MSLITE_CACHE_SECRET'] = 'seven'\n"
    with_cache(project, cache, rest).build()
    machine = with_cache(clone_of(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    machine.write("SConstruct", sealed + (machine.path / "SConstruct").read_text(encoding="utf-8"))
    ran = machine.build()
    assert ran.converted == ["lenet.ms"]
    assert "sealed with another secret" in ran.err
    third = with_cache(clone_of(project, tmp_path / "third"), tmp_path / "third cache", rest)
    third.write("SConstruct", (machine.path / "SConstruct").read_text(encoding="utf-8").replace("its cache", "x"))
    assert third.build().converted == []
