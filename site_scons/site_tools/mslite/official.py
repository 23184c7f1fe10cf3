"""Runs MindSpore's own `converter_lite`, for teams that must ship its output."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import memory
from .complaint import complain

if TYPE_CHECKING:
    from .scons_types import Env

_VERSION = re.compile(rb"MindSpore Lite (\d+\.\d+\.\d+\w*)")
_CHUNK = 1 << 20
_OVERLAP = 64
_LINES_SHOWN = 12


def program(env: Env) -> Path:
    """Return the official converter; UserError where there is none. A relative path counts from the SConstruct."""
    given = env.subst(str(env.get("MSLITE_CONVERTER") or "converter_lite"))
    if os.path.dirname(given):  # noqa: PTH120 - a bare name is looked up on PATH
        found = shutil.which(os.path.join(env.Dir("#").get_abspath(), given))  # noqa: PTH118
    else:
        found = env.WhereIs(given)
    if found is None:
        raise complain(f"MSLITE_CONVERTER is {given!r}, which is no program; give the path of converter_lite")
    return Path(found)


def _libraries(converter: Path) -> list[Path]:
    """Return the converter's directories of libraries: in its release they lie in `lib` beside its own directory."""
    folder = converter.resolve().parent
    return [place for place in (folder, folder / "lib", folder.parent / "lib") if place.is_dir()]


def version_text(env: Env) -> str:
    """Return `converter_lite 2.0.0 (sha256 1f2e…)`, over the program and its libraries, which do the work."""
    return _version_of(program(env))


@lru_cache(maxsize=8)
def _version_of(converter: Path) -> str:
    libraries = [path for folder in _libraries(converter) for path in sorted(folder.glob("*.so*"))]
    files = [converter, *(path for path in libraries if path.is_file())]
    statuses = [path.stat() for path in files]
    identity = [[path.name, each.st_mtime_ns, each.st_size] for path, each in zip(files, statuses, strict=True)]
    known = memory.recall("official", str(converter), identity)
    if known is not None:
        return str(known)
    digest = hashlib.sha256()
    version = b""
    for path in files:
        digest.update(path.name.encode() + b"\0")
        version = _read(path, digest) or version
    # Not every release says its version in one piece; the hash tells them apart.
    text = " ".join(["converter_lite", *([version.decode()] if version else []), f"(sha256 {digest.hexdigest()[:16]})"])
    if memory.is_settled(max(each.st_mtime_ns for each in statuses)):
        memory.remember("official", str(converter), identity, text)
    return text


def _read(path: Path, digest: Any) -> bytes:  # noqa: ANN401 - hashlib has no public type for it
    """Feed a file to `digest`; return the version that it names, if any."""
    version = end = b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            found = _VERSION.search(end + chunk)
            version = version or (found[1] if found else b"")
            end = chunk[-_OVERLAP:]
    return version


def convert(env: Env, words: list[str], model: str, config: str | None, made: Path) -> str | None:
    """Convert `model` into `made`; return what went wrong, None for success."""
    converter = program(env)
    command = [str(converter), "--fmk=MINDIR", f"--modelFile={model}", f"--outputFile={str(made).removesuffix('.ms')}"]
    command += [f"--configFile={config}"] if config else []
    ran = subprocess.run(  # noqa: S603 - the program that the user named, no shell
        [*command, *words],
        cwd=env.Dir("#").get_abspath(),
        env=_environment(env, converter),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is SCons's to handle
        check=False,
    )
    if ran.returncode == 0 and made.is_file():
        return None
    code = ran.returncode
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}" if code else "wrote no model"
    lines = ran.stdout.decode("utf-8", "replace").strip().splitlines()[-_LINES_SHOWN:]
    return "\n".join([f"{model}: error[E503]: {converter.name} {ending}", *(f"   | {line}" for line in lines)])


def _environment(env: Env, converter: Path) -> dict[str, str]:
    """Return the environment of SCons's commands, in which the converter finds its libraries."""
    given = {name: str(value) for name, value in env["ENV"].items()}
    places = [*map(str, _libraries(converter)), given.get("LD_LIBRARY_PATH", "")]
    return {**given, "LD_LIBRARY_PATH": os.pathsep.join(place for place in places if place)}
