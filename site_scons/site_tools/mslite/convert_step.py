"""The conversion of a model: a `.mindir` becomes a `.ms` and its record, in a worker process."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Action
from SCons.Subst import SUBST_RAW

from . import backend, directories, flags, home, scratch
from .places import real
from .signed import SignedAction, failed, is_dry_run

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .executor import Workers
    from .scons_types import Env, Node, Nodes

RECORD_SUFFIX = ".record.json"
_KIB, _MIB = 1024, 1024 * 1024


def _convert(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    """Convert the model `source` into `target` (.ms, record)."""
    started = time.perf_counter()
    problem = _config_problem(env)
    if problem:
        return failed(problem)
    paths = [Path(node.get_abspath()) for node in target]
    try:
        with scratch.scratch_directory(paths[0]) as part:
            parts = {part / path.name: path for path in paths}
            made, record = list(parts)
            before = _identity(source[0])
            answer = _answer(_request(target, source, env, made), env)
            if not answer["ok"]:
                return failed(answer["message"])
            record.write_text(_record(answer, source, env), encoding="utf-8", newline="\n")
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
    from . import executor, official  # noqa: PLC0415 - an up-to-date build converts nothing

    if not backend.is_official(env):
        return ask(request, executor.workers_for(env))
    made = Path(request["target"])
    problem = official.convert(env, flags.official_words(env), request["source"], request["config"], made)
    if problem:
        return {"ok": False, "message": problem}
    return describe({name: request[name] for name in ("id", "source", "target", "hash", "scratch")}, env)


def describe(request: dict[str, Any], env: Env) -> dict[str, Any]:
    """Have a `.ms` file described by a worker of this machine."""
    from . import pool  # noqa: PLC0415 - an up-to-date build describes nothing

    return ask(request, pool.pool_for(str(env["MSLITE_PYTHON"]), str(home.require()), env.Dir("#").get_abspath()))


def _config_problem(env: Env) -> str | None:
    """Return everything that is wrong with the config now, files that it names included; print its warnings."""
    config = env.get("MSLITE_CONFIG")
    if not config:
        return None
    home.require()
    from converter.config import convert_options, load_config  # noqa: PLC0415 - importable only after require()
    from converter.errors import ConversionError  # noqa: PLC0415

    try:
        loaded = load_config(Path(real(config).get_path()))
        if not backend.is_official(env):
            convert_options(loaded)
    except ConversionError as failure:
        return str(failure)
    for warning in loaded.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    return None


def _request(target: Nodes, source: Nodes, env: Env, made: Path) -> dict[str, Any]:
    """Return what the worker is asked. Paths are relative to the SConstruct's directory, as the user knows them."""
    model = real(source[0]).get_path()
    config = env.get("MSLITE_CONFIG")
    return {
        "id": 1,
        "source": model,
        "target": str(made),
        "options": _options(env),
        "config": real(config).get_path() if config else None,
        "hash": [model, *(node.get_path() for node in target[0].implicit or ())],
        "scratch": str(made.parent),
    }


def _options(env: Env) -> dict[str, Any] | None:
    """Return the options of our converter in full; the official one has its own defaults."""
    return None if backend.is_official(env) else flags.read(env).merged(backend.settings_of(env).options)


def ask(request: dict[str, Any], workers: Workers) -> dict[str, Any]:
    """Ask a worker; one that dies is replaced once, because it may have been short of memory beside others."""
    from . import pool  # noqa: PLC0415 - an up-to-date build asks nothing

    try:
        try:
            return workers.ask(request)
        except pool.WorkerDiedError:
            return workers.ask(request)
    except pool.WorkerDiedError as death:
        return {"ok": False, "message": f"worker died while converting {request['source']}: {death}"}


def _record(answer: dict[str, Any], source: Nodes, env: Env) -> str:
    """Return the JSON text that stays beside the `.ms`: what it is and what it was made from."""
    record = {
        "bytes": answer["bytes"],
        "config": backend.settings_of(env).values,
        "converter": backend.version_text(env).removeprefix("mslite-convert "),
        "crc32": answer["crc32"],
        "directories": _directories(env),
        "flags": backend.flags_text(env),
        "inputs": answer["inputs"],
        "labels": answer["labels"],
        "made_from": answer["hashes"],
        "memory": answer["memory"],
        "model": real(source[0]).get_path(),
        "notes": answer["report"]["notes"],
        "options": _options(env),
        "outputs": answer["outputs"],
        "producer": answer["report"]["producer"],
        "sha256": answer["sha256"],
    }
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _identity(node: Node) -> tuple[int, int]:
    status = Path(real(node).get_abspath()).stat()
    return status.st_mtime_ns, status.st_size


def _keep_out_of_cache(target: Nodes) -> None:
    """A model that was edited during its conversion does not belong to the signature that it had before."""
    for node in target:
        node.set_nocache()


def _describe(_target: Nodes, _source: Nodes, env: Env) -> str:
    """Return the signature text: converter, values of the config, flags, what lies in named directories."""
    words = [backend.version_text(env), str(backend.settings_of(env)), backend.flags_text(env), _directories(env)]
    return " ".join(word for word in words if word)


def _directories(env: Env) -> str:
    """Return what lies in the directories that the config names."""
    named = [place for kind, place in backend.settings_of(env).named if kind == "directory"]
    return directories.describe(named, env.Dir("#").get_abspath())


def _announce(target: Nodes, source: Nodes, env: Env) -> str:
    """Return the line of a dry run; a real one is announced when size and time are known."""
    return _line(target, source, env) if is_dry_run() else ""


def _line(target: Nodes, source: Nodes, env: Env) -> str:
    return str(env.subst("$MSLITECOMSTR", SUBST_RAW, target, source))


def _announce_made(target: Nodes, source: Nodes, env: Env, size: int, seconds: float) -> None:
    """Print `MSLITE lenet.ms  742 KB  0.21 s`, unless SCons was told to be quiet."""
    line = _line(target, source, env)
    if not line or not SCons.Action.print_actions:
        return
    shown = f"{size / _MIB:.1f} MB" if size >= _MIB else f"{-(-size // _KIB)} KB"
    show = env.get("PRINT_CMD_LINE_FUNC") or ACTION.print_cmd_line
    show(f"{line}  {shown}  {seconds:.2f} s", target, source, env)


ACTION = SignedAction(_convert, _describe, _announce)
