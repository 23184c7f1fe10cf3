"""What an up-to-date build costs: `python benchmarks/scons/null_build.py [CASE …] [--rounds N]`.

Each goal is a ratio of CPU seconds of whole scons processes, measured in turns on this machine, so that load hits all
of them alike: `scons models` with the tool, against SCons with nothing to do (`bare`) or with one `Copy` per model
(`copy`). The models are real small ones, padded with a field that no reader knows; a stand-in for the worker makes the
`.ms` files, because an up-to-date build never converts. Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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

# Else SCons loads all its default tools, whatever the environments of the build need.
CHEAP = "DefaultEnvironment(tools=[])\n"
TOOL = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json', MSLITE_PYTHON={worker!r})
env.MSLiteDecider()
for i in range({count}):
    env.MSLiteModel(f'build/m{{i}}.ms', f'models/m{{i}}.mindir'{config})
"""
COPY = """\
env = Environment(tools=[])
env.Alias('models', [env.Command(f'build/m{{i}}.ms', f'models/m{{i}}.mindir', Copy('$TARGET', '$SOURCE'))
                     for i in range({count})])
"""
BARE = "Alias('models', [])\n"
CONFIG = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nmin_quant_weight_size={number}\n"


@dataclass(frozen=True)
class Case:
    """So many models of a size, and the goal: at most `most` times the baseline."""

    name: str
    count: int
    baseline: str
    most: float
    megabytes: int = 0
    samples: int = 0

    @property
    def config(self) -> str:
        """Settings of model `i`: a config of its own."""
        return ", MSLITE_CONFIG=f'models/m{i}.cfg'"


CASES = (
    Case("10", 10, "bare", 1.25),
    Case("100", 100, "bare", 2.2),
    Case("1000", 1000, "copy", 2.5),
    Case("10x50MB", 10, "bare", 1.2, megabytes=50),
    Case("5000-samples", 1, "bare", 2.0, samples=5000),
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


def copy_tool(folder: Path) -> None:
    """Copy tool and converter: an edit while this runs would convert all models again, and rightly so."""
    for name in ("converter", "site_scons"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def measure(case: Case, folder: Path, rounds: int) -> bool:
    """Build once, then run up-to-date builds in turns; print and judge the median of the ratios."""
    tool, base = folder / "tool", folder / "base"
    write_project(case, tool)
    base.mkdir()
    if case.baseline == "copy":
        shutil.copytree(tool / "models", base / "models")
    text = COPY.format(count=case.count) if case.baseline == "copy" else BARE
    (base / "SConstruct").write_text(CHEAP + text)
    for project in (tool, base, tool, base):  # the second run compiles what it imports no more
        scons(project)
    pairs = [(scons(tool), scons(base)) for _ in range(rounds)]
    ratio = statistics.median(mine / other for mine, other in pairs)
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    verdict = "" if ratio <= case.most else "  missed"
    print(
        f"{case.name:>14} {mine:8.3f} {other:8.3f} {ratio:7.2f} {case.most:6.2f}  {case.baseline}{verdict}", flush=True
    )
    return ratio <= case.most


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
    (folder / "SConstruct").write_text(CHEAP + TOOL.format(worker=str(worker), count=case.count, config=case.config))


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


def scons(folder: Path) -> float:
    """Run `scons models`; return the CPU seconds of the process and its children."""
    words = [sys.executable, "-m", "SCons", "-Q", f"--site-dir={folder.parent / 'site_scons'}", "models"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit((folder / "log").read_text())
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
