"""What conversions cost inside a build: `python benchmarks/scons/first_build.py [CASE …] [--models N] [--rounds N]`.

    overhead    milliseconds of processor time that SCons, the tool and the pool add to one conversion: a build of N
                models against one process that converts the same N in a loop (goal: 6)
    first       milliseconds of processor time for each of N LeNet-size models, everything included (goal: 25)
    jobs        how much faster `-j2` is than `-j1` by the clock, quantizing (goal: 1.8 on two free processors), beside
                what two processes that only calculate gain here: nothing can gain more

Exits with 1 when a goal is missed; `jobs` only counts where two processors were free.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from projects import CHEAP, ROOT, Cost, copy_tool, run, scons

MODEL = ROOT / "tests/zoo/data/ms200/lenet_infer.mindir"
SCONSTRUCT = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')
env.MSLiteDecider()
for i in range({count}):
    env.MSLiteModel(f'build/m{{i}}.ms', f'models/m{{i}}.mindir'{more})
"""
LOOP = """\
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from converter.api import convert_file
from converter.options import ConvertOptions
Path('build').mkdir(exist_ok=True)
for at in range(int(sys.argv[2])):
    convert_file(Path(f'models/m{at}.mindir'), Path(f'build/m{at}.ms'), ConvertOptions())
"""
SPIN = "x = 0\nfor i in range(20_000_000): x += i\n"
QUANTIZED = "[common_quant_param]\nquant_type=FULL_QUANT\n"
QUANTIZED += "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=8\ninput_type=BIN\n"
GOALS = {"overhead": 6.0, "first": 25.0, "jobs": 1.8}
FREE = 1.85


def main() -> int:
    """Measure what is asked for, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(GOALS)}")
    parser.add_argument("--models", type=int, default=1000, help="models of `first`, a tenth of them for `overhead`")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    chosen = [name for name in GOALS if not arguments.cases or name in arguments.cases]
    is_met = True
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            copy_tool(Path(folder))
            is_met &= _CASES[name](Path(folder), arguments.models, arguments.rounds)
    return 0 if is_met else 1


def project(folder: Path, count: int, more: str = "") -> Path:
    """Write a project of `count` models beside the tool."""
    place = folder / f"of{count}"
    (place / "models").mkdir(parents=True)
    for at in range(count):
        shutil.copyfile(MODEL, place / f"models/m{at}.mindir")
    (place / "SConstruct").write_text(CHEAP + SCONSTRUCT.format(count=count, more=more))
    return place


def build(place: Path, *words: str) -> Cost:
    """Build all models anew."""
    shutil.rmtree(place / "build", ignore_errors=True)
    for file in place.glob(".sconsign*"):
        file.unlink()
    return scons(place, *words, "models")


def overhead(folder: Path, models: int, rounds: int) -> bool:
    """Differences between few and many models leave out what a process costs once."""
    few, many = 2, max(models // 10, 10)
    places = {count: project(folder, count) for count in (few, many)}

    def loop(count: int) -> float:
        return run([sys.executable, "-c", LOOP, str(folder), str(count)], places[count]).cpu

    found = []
    for _ in range(rounds + 1):  # the first one compiles what it imports
        built = build(places[many]).cpu - build(places[few]).cpu
        looped = loop(many) - loop(few)
        found.append((built - looped) / (many - few) * 1000)
    return judge("overhead", statistics.median(found[1:]), "ms of processor time for one conversion")


def first(folder: Path, models: int, _rounds: int) -> bool:
    """Build once: with many models one build is many measurements."""
    place = project(folder, models)
    cost = build(place, f"-j{os.cpu_count()}")
    return judge("first", cost.cpu / models * 1000, f"ms of processor time for one of {models} models")


def jobs(folder: Path, _models: int, rounds: int) -> bool:
    """Compare by the clock, and with what the machine had to give in the same minute."""
    place = project(folder, 24, ", MSLITE_CONFIG='q.cfg'")
    (place / "q.cfg").write_text(QUANTIZED)
    (place / "samples").mkdir()
    for at in range(8):
        noise = bytes((at * 37 + i * 101) % 251 for i in range(4 * 32 * 32))
        (place / f"samples/{at}.bin").write_bytes(b"".join(bytes((0, 0, value & 127, 62)) for value in noise))
    build(place, "-j1")
    gains = [build(place, "-j1").wall / build(place, "-j2").wall for _ in range(rounds)]
    most = statistics.median(spin(1) * 2 / spin(2) for _ in range(rounds))
    gain = statistics.median(gains)
    print(f"{'':>10} two processes that only calculate gain {most:.2f}")
    return judge("jobs", gain, "times as fast with -j2", is_counted=most >= FREE)


def spin(count: int) -> float:
    """Seconds that `count` calculating processes take at once."""
    began = time.perf_counter()
    for process in [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]:
        process.wait()
    return time.perf_counter() - began


def judge(name: str, value: float, unit: str, *, is_counted: bool = True) -> bool:
    """Print a result beside its goal."""
    goal = GOALS[name]
    is_met = value >= goal if name == "jobs" else value <= goal
    verdict = "" if is_met else "  missed" if is_counted else "  (processors were not free)"
    print(f"{name:>10} {value:8.2f} of {goal:5.2f}  {unit}{verdict}", flush=True)
    return is_met or not is_counted


_CASES = {"overhead": overhead, "first": first, "jobs": jobs}

if __name__ == "__main__":
    sys.exit(main())
