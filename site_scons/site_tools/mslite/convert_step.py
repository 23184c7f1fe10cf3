"""The conversion of a model: a `.mindir` becomes a `.ms` and its record, in a worker process.

An up-to-date build does not load this module: signature.py has what SCons compares.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Action

from . import backend, executor, flags, home, official, pool, progress, records, scratch, settings, signature
from .places import real
from .signed import failed

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Node, Nodes

_KIB, _MIB = 1024, 1024 * 1024


def convert(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    """Convert the model `source` into `target` (.ms, record)."""
    started = time.perf_counter()
    home.require()
    from converter.errors import ConversionError  # noqa: PLC0415 - importable only after require()

    try:
        asked = _asked(env)
    except ConversionError as failure:
        return failed(str(failure))
    paths = [Path(node.get_abspath()) for node in target]
    try:
        with scratch.scratch_directory(paths[0]) as part:
            parts = {part / path.name: path for path in paths}
            made, record = list(parts)
            before = _identity(source[0])
            answer = _answer(_request(target, source, env, made) | asked, env)
            if not answer["ok"]:
                return failed(answer["message"])
            record.write_text(_record(answer, asked["options"], source, env), encoding="utf-8", newline="\n")
            scratch.publish(parts)
    except OSError as failure:
        return failed(f"{target[0]}: error[E120]: the output cannot be written: {failure.strerror or failure}")
    for warning in answer["warnings"]:
        sys.stderr.write(f"{real(source[0]).get_path()}: warning: {warning}\n")
    if _identity(source[0]) != before:
        _keep_out_of_cache(target)
    _announce_made(target, source, env, answer["bytes"], time.perf_counter() - started)
    return None


def _answer(request: dict[str, Any], env: Env) -> dict[str, Any]:
    """Have a model converted: by a worker, or by the official converter, whose result a worker describes."""
    if not backend.is_official(env):
        # A key stays on this machine.
        return ask(request, _local(env) if request["keys"] else executor.workers_for(env))
    made = Path(request["target"])
    problem = official.convert(env, flags.official_words(env), request["source"], request["config"], made)
    if problem:
        return {"ok": False, "message": problem}
    return describe({name: request[name] for name in ("id", "source", "target", "hash", "scratch")}, env)


def describe(request: dict[str, Any], env: Env) -> dict[str, Any]:
    """Have a `.ms` file described by a worker of this machine."""
    return ask(request, _local(env))


def _local(env: Env) -> pool.Pool:
    return pool.pool_for(str(env["MSLITE_PYTHON"]), str(home.require()), env.Dir("#").get_abspath())


def _asked(env: Env) -> dict[str, Any]:
    """Return what config and flags ask for, `options` and `keys`; print the config's warnings.

    The official converter has options of its own. Raises ConversionError with everything that is wrong now, files that
    the config names included.
    """
    from converter.config import load_config  # noqa: PLC0415 - importable only after require()
    from converter.errors import fail  # noqa: PLC0415

    config = env.get("MSLITE_CONFIG")
    loaded = load_config(Path(real(config).get_path())) if config else None
    for warning in loaded.warnings if loaded else ():
        sys.stderr.write(f"warning: {warning}\n")
    if backend.is_official(env):
        if loaded is not None and loaded.included:
            hint = "put the settings into one file for it"
            raise fail("E116", "the official converter does not know include=", path=str(loaded.path), hint=hint)
        return {"options": None, "keys": {}}
    given = flags.parse(env)
    keys = {"decrypt": given.keys().decrypt, "encrypt": given.keys().encrypt}
    return {
        "options": given.options(loaded).canonical(),
        "keys": {name: key.octets.hex() for name, key in keys.items() if key is not None},
    }


def _request(target: Nodes, source: Nodes, env: Env, made: Path) -> dict[str, Any]:
    """Return what the worker is asked. Paths are relative to the SConstruct's directory, as the user knows them."""
    model = real(source[0]).get_path()
    config = env.get("MSLITE_CONFIG")
    return {
        "id": 1,
        "source": model,
        "target": str(made),
        "config": real(config).get_path() if config else None,
        "directories": settings.read(env).directories,
        "hash": [model, *(node.get_path() for node in target[0].implicit or ())],
        "progress": progress.is_wanted(),
        "scratch": str(made.parent),
    }


def ask(request: dict[str, Any], workers: executor.Workers) -> dict[str, Any]:
    """Ask a worker; one that dies is replaced once, because it may have been short of memory beside others."""
    try:
        with progress.bar(request["source"]) as show:
            try:
                return workers.ask(request, show)
            except pool.WorkerDiedError:
                return workers.ask(request, show)
    except pool.WorkerDiedError as death:
        return {"ok": False, "message": f"worker died while converting {request['source']}: {death}"}


def _record(answer: dict[str, Any], options: dict[str, Any] | None, source: Nodes, env: Env) -> str:
    """Return the JSON text that stays beside the `.ms`: what it is and what it was made from."""
    record = {
        "bytes": answer["bytes"],
        "config": settings.read(env).values,
        "converter": backend.version_text(env).removeprefix("mslite-convert "),
        "crc32": answer["crc32"],
        "directories": signature.directories_text(env),
        "flags": backend.flags_text(env),
        "inputs": answer["inputs"],
        "labels": answer["labels"],
        "made_from": answer["hashes"],
        "memory": answer["memory"],
        "model": real(source[0]).get_path(),
        "notes": answer["report"]["notes"],
        "options": options,
        "outputs": answer["outputs"],
        "producer": answer["report"]["producer"],
        "sha256": answer["sha256"],
    }
    return records.text_of(record)


def _identity(node: Node) -> tuple[int, int]:
    status = Path(real(node).get_abspath()).stat()
    return status.st_mtime_ns, status.st_size


def _keep_out_of_cache(target: Nodes) -> None:
    """A model that was edited during its conversion does not belong to the signature that it had before."""
    for node in target:
        node.set_nocache()


def _announce_made(target: Nodes, source: Nodes, env: Env, size: int, seconds: float) -> None:
    """Print `MSLITE lenet.ms  742 KB  0.21 s`, unless SCons was told to be quiet."""
    line = signature.line(target, source, env)
    if not line or not SCons.Action.print_actions:
        return
    shown = f"{size / _MIB:.1f} MB" if size >= _MIB else f"{-(-size // _KIB)} KB"
    show = env.get("PRINT_CMD_LINE_FUNC") or _show
    show(f"{line}  {shown}  {seconds:.2f} s", target, source, env)


def _show(line: str, _target: Nodes, _source: Nodes, _env: Env) -> None:
    """Print at once: others may be waiting for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
