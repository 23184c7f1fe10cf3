"""What is fed to each reader: any bytes end well or raise `ConversionError`, in bounded time and memory.

The targets of the hypothesis tests, of fuzz.py and of nobody else. A defect of ours is E901 in a message for users;
here it is an error.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from converter.api import convert
from converter.config import load_config
from converter.errors import ConversionError
from converter.mindir.external import external_locations
from converter.mindir.frontend import read_mindir
from converter.mslite.reader import parse_model
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests/zoo/data"
_MEMORY = Path("/dev/shm")  # noqa: S108 - only where files cost least; names are made by tempfile
_FOLDER = Path(tempfile.mkdtemp(prefix="mslite-robustness-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))


def mindir(data: bytes) -> None:
    """A `.mindir` file."""
    allowed(lambda: read_mindir(written(data, "net.mindir")))


def external(data: bytes) -> None:
    """The split weights that a `.mindir` names, as a build tool looks for them."""
    external_locations(written(data, "net.mindir"))


def ms(data: bytes) -> None:
    """A `.ms` file; the bytes of all its constants are read."""

    def read() -> None:
        for graph in parse_model(data, "net.ms").graphs:
            for value in graph.constants():
                if value.const is not None:
                    sum(len(chunk) for chunk in value.const.chunks())

    allowed(read)


def config(data: bytes) -> None:
    """A configuration file."""
    allowed(lambda: load_config(written(data, "q.cfg")))


TARGETS: dict[str, Callable[[bytes], None]] = {"mindir": mindir, "external": external, "ms": ms, "config": config}


def allowed(read: Callable[[], object]) -> None:
    """Run; a refusal that says where and why is as good as success."""
    try:
        read()
    except ConversionError as failure:
        bugs = [problem for problem in failure.problems if problem.code == "E901"]
        if bugs or not all(problem.path for problem in failure.problems):
            raise


def written(data: bytes, name: str) -> Path:
    """The bytes as a file, in a directory of this process."""
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def remove_folder() -> None:
    """Leave nothing behind."""
    for path in _FOLDER.iterdir():
        path.unlink()
    _FOLDER.rmdir()


def seeds(name: str) -> list[bytes]:
    """Small real files of each kind, to start from."""
    if name == "config":
        return [path.read_bytes() for path in sorted((ROOT / "tests").glob("**/*.cfg"))][:64]
    found = sorted(RECORDINGS.glob("*/*.mindir"), key=lambda path: (path.stat().st_size, path))
    small = [path for path in found if path.stat().st_size < 1 << 14][::5]
    if name != "ms":
        return [path.read_bytes() for path in small]
    options = [ConvertOptions(train=not path.stem.endswith("_infer")) for path in small]
    layouts = [convert(path, each).layout for path, each in zip(small, options, strict=True)]
    return [b"".join(map(bytes, layout.chunks())) for layout in layouts]
