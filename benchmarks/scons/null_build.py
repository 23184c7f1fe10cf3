"""What an up-to-date build costs: `python benchmarks/scons/null_build.py [CASE …] [--rounds N]`.

Each goal is a ratio of CPU seconds of whole scons processes, measured in turns on this machine: `scons models` with
the tool, against SCons with nothing to do (`bare`), and against one `Copy` per model (`copy`). The models are real
small ones, padded with a field that no reader knows; a stand-in for the worker makes the `.ms` files, because an
up-to-date build never converts. `touched` touches one source first, so that SCons looks at every model. Exits with 1
when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from projects import CHEAP, ROOT, copy_tool, paired, scons

MODEL = ROOT / "tests/zoo/data/ms200/two_outputs_infer.mindir"
MIB = 1 << 20

WORKER = """\
#!{python}
import json, os, shutil, sys
os.chdir(sys.argv[3])
for line in sys.stdin:
    request = json.loads(line)
    shutil.copyfile(request['source'], request['target'])
    made = {{'bytes': os.path.getsize(request['target']), 'crc32': 0, 'sha256': 'no hash', 'hashes': {{}}}}
    made |= {{'inputs': [], 'outputs': [], 'labels': [], 'memory': None, 'warnings': [], 'report': {{}}}}
    made['report'] |= {{'notes': [], 'producer': ''}}
    print(json.dumps({{'id': request['id'], 'ok': True, **made}}), flush=True)
"""

TOOL = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json', MSLITE_PYTHON={worker!r})
env.MSLiteDecider()
for i in range({count}):
    env.MSLiteModel(f'build/m{{i}}.ms', f'models/m{{i}}.mindir', MSLITE_CONFIG=f'models/m{{i}}.cfg')
"""
COPY = """\
env = Environment(tools=[])
env.Alias('models', [env.Command(f'build/m{i}.ms', f'models/m{i}.mindir', Copy('$TARGET', '$SOURCE'))
                     for i in range({count})])
"""
BARE = "Alias('models', [])\n"
CONFIG = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nmin_quant_weight_size={number}\n"


@dataclass(frozen=True)
class Case:
    """So many models of a size; `goals` are the most that the tool may take, as multiples of the baselines."""

    name: str
    count: int
    goals: dict[str, float | None] = field(default_factory=dict)
    megabytes: int = 0
    samples: int = 0
    words: tuple[str, ...] = ("models",)
    is_touched: bool = False


CASES = (
    Case("1", 1, {"bare": None, "copy": None}),
    Case("10", 10, {"bare": 1.25, "copy": None}),
    Case("100", 100, {"bare": 2.2, "copy": None}),
    Case("1000", 1000, {"bare": None, "copy": 1.3}),
    Case("1000-touched", 1000, {"copy": 2.5}, is_touched=True),
    Case("10x50MB", 10, {"bare": 1.2}, megabytes=50),
    Case("5000-samples", 1, {"bare": 2.0}, samples=5000),
    Case("help", 1, {"bare": 1.15}, words=("-h",)),
)


def main() -> int:
    """Measure the cases that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(case.name for case in CASES)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where to build; a temporary directory by default")
    arguments = parser.parse_args()
    chosen = [case for case in CASES if not arguments.cases or case.name in arguments.cases]
    is_met = True
    print(f"{'case':>14} {'tool s':>8} {'base s':>8} {'ratio':>7} {'goal':>6}  of")
    for case in chosen:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            copy_tool(Path(folder))
            is_met &= measure(case, Path(folder), arguments.rounds)
    return 0 if is_met else 1


def measure(case: Case, folder: Path, rounds: int) -> bool:
    """Build once, then run up-to-date builds in turns; print and judge the medians of the ratios."""
    tool = folder / "tool"
    write_project(case, tool)
    for _ in range(3):  # it builds, looks once more at what it has built, and compiles what it imports
        scons(tool, *case.words)

    def ours() -> float:
        if case.is_touched:
            os.utime(tool / "models/m0.mindir")
        return scons(tool, *case.words).cpu

    is_met = True
    for name, most in case.goals.items():
        base = folder / name
        write_baseline(name, case, tool, base)
        for _ in range(2):
            scons(base, *case.words)
        mine, other, ratio = paired(ours, lambda base=base: scons(base, *case.words).cpu, rounds)
        missed = most is not None and ratio > most
        goal = f"{most:6.2f}" if most is not None else "     -"
        print(f"{case.name:>14} {mine:8.3f} {other:8.3f} {ratio:7.2f} {goal}  {name}{'  missed' * missed}", flush=True)
        is_met &= not missed
    return is_met


def write_baseline(name: str, case: Case, tool: Path, base: Path) -> None:
    """Write what the tool is compared with."""
    base.mkdir()
    if name == "copy":
        shutil.copytree(tool / "models", base / "models")
    (base / "SConstruct").write_text(CHEAP + (COPY.replace("{count}", str(case.count)) if name == "copy" else BARE))


def write_project(case: Case, folder: Path) -> None:
    """Write models, configs, a stand-in for the worker, and the SConstruct."""
    (folder / "models").mkdir(parents=True)
    worker = folder / "worker"
    worker.write_text(WORKER.format(python=sys.executable))
    worker.chmod(0o755)
    content = MODEL.read_bytes() + padding(case.megabytes * MIB)
    for number in range(case.count):
        (folder / f"models/m{number}.mindir").write_bytes(content)
        (folder / f"models/m{number}.cfg").write_text(CONFIG.format(number=number) + calibration(case))
    for number in range(case.samples):
        sample = folder / f"models/samples/{number:05d}.bin"
        sample.parent.mkdir(exist_ok=True)
        sample.write_bytes(number.to_bytes(4, "little") * 2500)
    (folder / "SConstruct").write_text(CHEAP + TOOL.format(worker=str(worker), count=case.count))
    time.sleep(0.2)  # what has just changed is looked at again


def padding(size: int) -> bytes:
    """Return a field of a number that no model has, `size` bytes long."""
    if not size:
        return b""
    length = bytearray()
    rest = size
    while rest >= 1 << 7:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return b"\x92\x3f" + bytes([*length, rest]) + bytes(size)


def calibration(case: Case) -> str:
    """Return the section that names the directory of samples, where there is one."""
    return "[data_preprocess_param]\ncalibrate_path=x:samples\n" if case.samples else ""


if __name__ == "__main__":
    sys.exit(main())
