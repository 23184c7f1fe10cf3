"""The shared cache: what another checkout gets from it, and that no state of directory or server can spoil a build."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import SCons
from cache_servers import NGINX, Handler, Shelf, StandIn, free_port, nginx, stand_in
from scons_project import SCONSTRUCT, TREE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scons_project import Project, Ran

# Custom caches came with SCons 4.2; TEST_SCONS_DIR may name an older one (see test_cache_unchecked.py).
SCONS = Path(os.environ.get("TEST_SCONS_DIR") or Path(SCons.__file__).parents[1]) / "SCons" / "__init__.py"
VERSION = tuple(map(int, re.findall(r'__version__\s*=\s*"(\d+)\.(\d+)', SCONS.read_text(encoding="utf-8"))[0]))
pytestmark = pytest.mark.skipif(VERSION < (4, 2), reason="this SCons has no custom caches")
FILES = ("build/lenet.ms", "build/lenet.ms.record.json")


def _with_cache(project: Project, cache: Path, rest: str = "") -> Project:
    line = f"env.MSLiteCacheDir({str(cache)!r}{rest})\n"
    first, *others = SCONSTRUCT.splitlines(keepends=True)
    project.write("SConstruct", first + line + "".join(others))
    return project


def _clone(project: Project, place: Path) -> Project:
    """Another checkout: sources only."""
    clone = project.at(place)
    clone.write("SConstruct", (project.path / "SConstruct").read_text(encoding="utf-8"))
    clone.write("models/lenet.cfg", (project.path / "models/lenet.cfg").read_text(encoding="utf-8"))
    clone.model("models/lenet.mindir")
    return clone


def _bytes(project: Project) -> list[bytes]:
    return [(project.path / name).read_bytes() for name in (*FILES, "build/models.json")]


def _entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.glob("*/*") if path.suffix != ".sha256")


def _retrieved(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if line.startswith("Retrieved")]


def _is_quiet(ran: Ran) -> bool:
    """Whether nothing that looks like trouble was printed."""
    return ran.err == ""


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "local"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with stand_in(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory, first_build: Project) -> Iterator[tuple[StandIn, Project]]:
    """A server that has what a project built, and that project; neither is to be touched."""
    with stand_in(tmp_path_factory.mktemp("server")) as running:
        project = _clone(first_build, tmp_path_factory.mktemp("filling"))
        _with_cache(project, project.path / "cache", f", {running.shelf.url!r}").build()
        yield running, project


@pytest.fixture
def filled(filled_once: tuple[StandIn, Project]) -> Iterator[tuple[StandIn, Project]]:
    """The same, behaving well again afterwards."""
    yield filled_once
    filled_once[0].fault = None


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


# -- the local tier -------------------------------------------------------------------------------------------------


def test_another_checkout_is_served_from_the_directory(project: Project, cache: Path, tmp_path: Path) -> None:
    _with_cache(project, cache).build()
    clone = _clone(project, tmp_path / "another checkout")
    ran = clone.build()
    assert ran.converted == []
    assert _retrieved(ran) == [f"Retrieved `{name}' from cache" for name in FILES]
    assert _bytes(clone) == _bytes(project)
    assert clone.is_up_to_date()


@pytest.mark.parametrize("damage", ["other bytes", "half", "no digest", "digest is rubbish"])
def test_damaged_entry_is_not_used_and_replaced(project: Project, cache: Path, tmp_path: Path, damage: str) -> None:
    _with_cache(project, cache).build()
    [entry] = [path for path in _entries(cache) if path.stat().st_size > 5000]
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
    clone = _clone(project, tmp_path / "clone")
    ran = clone.build()
    assert ran.converted == ["lenet.ms"]
    assert _is_quiet(ran)
    assert _bytes(clone) == _bytes(project)
    assert entry.read_bytes() == good
    assert _retrieved(_clone(project, tmp_path / "third").build()) != []


def test_read_only_cache_is_used_and_left_alone(project: Project, cache: Path, tmp_path: Path) -> None:
    _with_cache(project, cache)
    assert project.build("--cache-readonly", "models").converted == ["lenet.ms"]
    assert _entries(cache) == []
    other = _clone(project, tmp_path / "other")
    assert other.build().converted == ["lenet.ms"]
    before = [(path, path.read_bytes()) for path in _entries(cache)]
    assert _clone(project, tmp_path / "third").build("--cache-readonly", "models").converted == []
    assert [(path, path.read_bytes()) for path in _entries(cache)] == before


def test_dry_run_changes_nothing(project: Project, cache: Path, tmp_path: Path) -> None:
    _with_cache(project, cache).build()
    for entry in _entries(cache):
        entry.write_bytes(b"damaged")
    clone = _clone(project, tmp_path / "clone")
    assert clone.build("-n", "models").converted == ["lenet.ms"]
    assert {entry.read_bytes() for entry in _entries(cache)} == {b"damaged"}
    assert not (clone.path / "build").exists()


def test_directory_that_cannot_be_written_costs_the_cache_not_the_build(project: Project, cache: Path) -> None:
    _with_cache(project, cache).build()
    for directory in {entry.parent for entry in _entries(cache)}:
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
    _with_cache(project, cache)
    text = (project.path / "SConstruct").read_text(encoding="utf-8")
    project.write("SConstruct", text.replace("ENV={}", "ENV={}, MSLITE_CACHE_LIMIT_MB=ARGUMENTS['KEEP']") + big)
    project.build("models", "build/big", "KEEP=1")
    for at, entry in enumerate(sorted(_entries(cache), key=lambda path: path.stat().st_size)):
        os.utime(entry, (1000 + at, 1000 + at))
    assert f"{cache.name}: 2 files removed, 1 with 1024 KB kept" in project.build("models-clean-cache", "KEEP=1").out
    assert [entry.stat().st_size for entry in _entries(cache)] == [1 << 20]
    assert "1 files removed, 0 with 0 KB kept" in project.build("models-clean-cache", "KEEP=0").out
    assert list(cache.glob("*/*")) == []
    assert (cache / "config").exists()


# -- the remote tier ------------------------------------------------------------------------------------------------


def test_another_machine_is_served_from_the_server(project: Project, cache: Path, shelf: Shelf, tmp_path: Path) -> None:
    rest = f", {shelf.url!r}"
    ran = _with_cache(project, cache, rest).build()
    assert ran.converted == ["lenet.ms"]
    assert _is_quiet(ran)
    assert [path.name for path in shelf.files("cas")] == sorted(
        hashlib.sha256((project.path / name).read_bytes()).hexdigest() for name in FILES
    )
    assert len(shelf.files("ac")) == 2
    machine = _with_cache(_clone(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    ran = machine.build()
    assert ran.converted == []
    assert _is_quiet(ran)
    assert len(_retrieved(ran)) == 2
    assert _bytes(machine) == _bytes(project)
    assert machine.is_up_to_date()
    # What was fetched lies in the local tier now: the server is not asked again.
    asked = len(shelf.requests())
    again = _with_cache(_clone(project, tmp_path / "again"), tmp_path / "its cache", rest)
    assert again.build().converted == []
    assert len(shelf.requests()) == asked


def test_executables_stay_executable(project: Project, cache: Path, server: StandIn, tmp_path: Path) -> None:
    rest = f", {server.shelf.url!r}"
    script = "env.Command('build/run', 'models/lenet.cfg', [Copy('$TARGET', '$SOURCE'), Chmod('$TARGET', 0o755)])\n"
    _with_cache(project, cache, rest)
    with (project.path / "SConstruct").open("a", encoding="utf-8") as stream:
        stream.write(script)
    project.build("build/run")
    clone = _clone(project, tmp_path / "clone")
    text = (clone.path / "SConstruct").read_text(encoding="utf-8")
    clone.write("SConstruct", text.replace(str(cache), str(tmp_path / "its cache")))
    assert "Retrieved `build/run' from cache" in clone.build("build/run").out
    assert os.access(clone.path / "build/run", os.X_OK)


def test_readonly_uploads_nothing(project: Project, cache: Path, server: StandIn) -> None:
    _with_cache(project, cache, f", {server.shelf.url!r}, readonly=True").build()
    assert set(server.requests) == {"GET 404"}


def test_cache_readonly_option_uses_the_server_and_writes_nowhere(
    project: Project, cache: Path, server: StandIn, tmp_path: Path
) -> None:
    rest = f", {server.shelf.url!r}"
    _with_cache(project, cache, rest).build()
    puts = server.requests.count("PUT 201")
    machine = _with_cache(_clone(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    assert machine.build("--cache-readonly", "models").converted == []
    assert _bytes(machine) == _bytes(project)
    assert _entries(tmp_path / "its cache") == []
    assert server.requests.count("PUT 201") == puts


def test_password_is_sent_and_never_shown(project: Project, cache: Path, server: StandIn) -> None:
    server.refuses = True
    url = server.shelf.url.replace("http://", "http://ci:p%40ss@")
    ran = _with_cache(project, cache, f", {url!r}").build()
    assert set(server.credentials) == {"Basic Y2k6cEBzcw=="}
    assert f"mslite cache {server.shelf.url}: answered with status 403; not used any more in this build" in ran.err
    assert "p%40ss" not in ran.out + ran.err


def test_address_that_is_none_is_refused(project: Project, cache: Path) -> None:
    ran = _with_cache(project, cache, ", 'user:secret@somewhere'").run("models")
    assert ran.code == 2
    assert "SConstruct:2: MSLiteCacheDir: 'somewhere' is not an address of a server" in ran.err
    assert "secret" not in ran.err


# -- faults ---------------------------------------------------------------------------------------------------------


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
    machine = _with_cache(_clone(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    ran = machine.build("-j2", "models")
    assert ran.converted == ["lenet.ms"]
    assert _bytes(machine) == _bytes(project)
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
    machine = _with_cache(_clone(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    started = time.monotonic()
    ran = machine.build()
    assert time.monotonic() - started < 6
    assert ran.converted == ["lenet.ms"]
    assert ran.err.count("; not used any more in this build") == 1
    assert _bytes(machine) == _bytes(project)


def test_dead_server_is_asked_once(project: Project, cache: Path) -> None:
    ran = _with_cache(project, cache, f", 'http://127.0.0.1:{free_port()}'").build()
    assert ran.converted == ["lenet.ms"]
    assert ran.err.count("mslite cache") == 1
    assert "Connection refused; not used any more in this build" in ran.err
    assert len(_entries(cache)) == 2


def test_secret_shuts_out_who_does_not_have_it(project: Project, cache: Path, server: StandIn, tmp_path: Path) -> None:
    rest = f", {server.shelf.url!r}"
    sealed = "import os\nos.environ['MSLITE_CACHE_SECRET'] = 'seven'\n"
    _with_cache(project, cache, rest).build()
    machine = _with_cache(_clone(project, tmp_path / "machine"), tmp_path / "its cache", rest)
    machine.write("SConstruct", sealed + (machine.path / "SConstruct").read_text(encoding="utf-8"))
    ran = machine.build()
    assert ran.converted == ["lenet.ms"]
    assert "sealed with another secret" in ran.err
    third = _with_cache(_clone(project, tmp_path / "third"), tmp_path / "third cache", rest)
    third.write("SConstruct", (machine.path / "SConstruct").read_text(encoding="utf-8").replace("its cache", "x"))
    assert third.build().converted == []


# -- the page -------------------------------------------------------------------------------------------------------

PAGE = (TREE / "docs" / "cache.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n# SConstruct\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["directory", "server", "cluster"])
def test_snippet_of_the_page_builds(project: Project, snippet: str) -> None:
    """No server and no scheduler is at the address of the snippet: a line, and a build."""
    port = str(free_port())
    project.write("SConstruct", snippet.replace("8080", port).replace("8786", port))
    ran = project.build()
    assert ran.converted == ["lenet.ms"]
    assert len(ran.err.splitlines()) == (port in snippet.replace("8080", port).replace("8786", port))
    project.build("-c", "models")
    assert (project.build().converted == []) == ("cache" in snippet)


def test_configuration_of_nginx_on_the_page_is_the_tested_one() -> None:
    [shown] = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    lines = {line.strip() for line in shown.splitlines()}
    assert lines - {"listen 127.0.0.1:8080;", "root /srv/models;"} <= {
        line.strip().replace("{{", "{").replace("}}", "}") for line in NGINX.splitlines()
    }
