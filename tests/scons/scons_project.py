"""A temporary project that a real `scons` process builds with the tool of this tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TREE = Path(__file__).resolve().parents[2]
MODELS = TREE / "tests" / "zoo" / "data" / "ms200"

SCONSTRUCT = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json', ENV={})
env.MSLiteModel('build/lenet.ms', 'models/lenet.mindir', MSLITE_CONFIG='models/lenet.cfg')
"""

CONFIG = """\
[common_quant_param]
quant_type=WEIGHT_QUANT
bit_num=8
min_quant_weight_size=0
"""

# Runs the real worker with one function replaced: what MSLITE_PYTHON is pointed at to inject a fault.
FAULTY_PYTHON = """\
#!{python}
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, os.getcwd())
from converter import api, worker
convert = api.convert_file
here = Path({here!r})
def faulty(source, target, options, **more):
{body}
    return convert(source, target, options, **more)
api.convert_file = faulty
sys.exit(worker.main(sys.argv[3:]))
"""


@dataclass
class Ran:
    """One finished scons process."""

    code: int
    out: str
    err: str

    @property
    def converted(self) -> list[str]:
        """Names of the `.ms` files that were converted, in order."""
        lines = [line.split() for line in self.out.splitlines() if line.startswith("MSLITE ")]
        return [Path(words[1]).name for words in lines]


class ForkingScons:
    """Runs scons by forking from a process that has it imported."""

    def __init__(self, directory: Path) -> None:
        """Start that process; `directory` takes the output of the runs."""
        self._outputs = [directory / "out", directory / "err"]
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking_scons.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=settings(),
            encoding="utf-8",
        )

    def run(self, directory: Path, words: list[str]) -> Ran:
        """Run scons in a directory and wait."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        out, err = self._outputs
        request = {"words": words, "directory": str(directory), "out": str(out), "err": str(err)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Ran(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    def end(self) -> None:
        self._process.communicate(timeout=10)


def settings() -> dict[str, str]:
    """Environment of every scons: nothing of the developer's that could change a build."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    # To run all these tests on another SCons: the directory that holds its package.
    other = {"PYTHONPATH": os.environ["TEST_SCONS_DIR"]} if "TEST_SCONS_DIR" in os.environ else {}
    return {**kept, **other, "PYTHONUTF8": "1"}


@dataclass
class Project:
    """A project directory, and how it is built: by `scons`, with the tool in the tree's `site_scons`."""

    path: Path
    tree: Path
    scons: ForkingScons
    has_site_dir: bool = True

    def at(self, path: Path) -> Project:
        """Return the project of another directory, built in the same way."""
        return Project(path, self.tree, self.scons)

    def copy(self, path: Path) -> Project:
        """Return a copy: what SCons stored about a build is relative, and the copy has its time stamps."""
        return self.at(Path(shutil.copytree(self.path, path)))

    def write(self, name: str, text: str) -> Path:
        """Write a text file, its directories too."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def model(self, name: str, fixture: str = "lenet_infer") -> Path:
        """Put a real model into the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((MODELS / f"{fixture}.mindir").read_bytes())
        return path

    def words(self, *words: str) -> list[str]:
        site = f"--site-dir={self.tree / 'site_scons'}" if self.has_site_dir else "--no-site-dir"
        return [site, "-Q", *words]

    def run(self, *words: str) -> Ran:
        """Run scons and wait."""
        return self.scons.run(self.path, self.words(*words))

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start scons in a process group of its own, which ends with the block."""
        scons = subprocess.Popen(
            [sys.executable, "-m", "SCons", *self.words(*words)],
            cwd=self.path,
            env=settings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        with scons:
            try:
                yield scons
            finally:
                scons.kill()

    def build(self, *words: str) -> Ran:
        """Build the models; fail the test when scons fails."""
        ran = self.run(*(words or ("models",)))
        assert ran.code == 0, ran.out + ran.err
        return ran

    def is_up_to_date(self) -> bool:
        """Whether another build has nothing to do: catches signatures that change by themselves."""
        return self.build().out.splitlines() == ["scons: `models' is up to date."]

    def manifest(self) -> dict[str, Any]:
        models: dict[str, Any] = json.loads((self.path / "build/models.json").read_text(encoding="utf-8"))["models"]
        return models

    def faulty_python(self, body: str) -> Path:
        """Write an interpreter whose worker runs `body` (lines of Python) before each conversion."""
        indented = "\n".join("    " + line for line in body.splitlines())
        text = FAULTY_PYTHON.format(python=sys.executable, here=str(self.path), body=indented)
        path = self.write("faulty_python", text)
        path.chmod(0o755)
        return path

    def left_over(self) -> list[str]:
        """Names of everything in the build directory that a user did not ask for."""
        known = (".ms", ".ms.record.json", "models.json", ".models.json.memory")
        return sorted(path.name for path in (self.path / "build").iterdir() if not path.name.endswith(known))
