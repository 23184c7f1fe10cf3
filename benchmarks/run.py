"""What a conversion costs: `python benchmarks/run.py [ROW …] [--rounds N] [--oracle DIR] [--densenet FILE.mindir]`.

Every row is a ratio of whole processes that run in turns, so that load hits both alike; the table shows medians. `cpu`
are seconds of user and system, `wall` by the clock, `rss` the peak of resident memory. Models come from models.py and
the recordings in tests/zoo; DenseNet-121 is no part of the repository: `python tests/zoo/export.py` makes it where
MindSpore is installed, and a chain of 121 small layers stands in for it where it is not. Without the official converter
(tests/oracle/README.md) its rows say so. Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LENET = ROOT / "tests/zoo/data/ms200/lenet_momentum_sparse.mindir"
MIB = 1 << 20
QUANT = (
    "[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num=8\nmin_quant_weight_size=0\nmin_quant_weight_channel=0\n"
)


@dataclass(frozen=True)
class Cost:
    """Of one process: seconds by the clock and of the processor, and peak resident bytes."""

    wall: float
    cpu: float
    rss: int


@dataclass(frozen=True)
class Goal:
    """`measure` of our process, over that of `base` unless that is empty, is at most `most`."""

    measure: str
    base: str
    most: float


@dataclass(frozen=True)
class Case:
    """A model, how it is made, and what is asked of its conversion."""

    name: str
    make: tuple[str, ...]
    goals: tuple[Goal, ...]
    config: str = ""
    rounds: int = 5

    @property
    def is_training(self) -> bool:
        """Whether it is a training step."""
        return self.make[0] != "infer"


AS_COPY = (Goal("wall", "cp", 2.0), Goal("cpu", "official", 0.15))
IN_MEMORY = (Goal("rss", "", 96 * MIB), Goal("rss", "official", 0.1))
CASES = (
    Case("lenet", ("file", str(LENET)), (Goal("wall", "official", 0.8), Goal("wall", "", 0.35)), rounds=21),
    Case("import", ("import",), (Goal("wall", "", 0.175),), rounds=21),
    Case("densenet", ("densenet",), (Goal("cpu", "official", 0.1),), rounds=3),
    Case("train-100MB", ("train", "2048", "4"), (*AS_COPY, IN_MEMORY[0])),
    Case("infer-100MB", ("infer", "512", "11"), (*AS_COPY, IN_MEMORY[0])),
    Case("train-1GB", ("train", "4096", "9"), (*AS_COPY, *IN_MEMORY)),
    Case("infer-1GB", ("infer", "1024", "28"), (*AS_COPY, *IN_MEMORY)),
    Case("train-10^5-nodes", ("train", "8", "7692"), (Goal("wall", "", 30.0), Goal("cpu", "a tenth", 12.0)), rounds=1),
    Case("infer-10^5-nodes", ("infer", "4", "33333"), (Goal("wall", "", 30.0), Goal("cpu", "a tenth", 12.0)), rounds=1),
    Case("quantize-100MB", ("infer", "512", "11"), (Goal("cpu", "official", 0.5),), QUANT, rounds=3),
)


@dataclass
class Bench:
    """One run of the table: where everything lies, and what was missed."""

    folder: Path
    oracle: Path | None
    densenet: Path | None
    rounds: int | None
    missed: list[str] = field(default_factory=list)

    def row(self, case: Case) -> None:
        """Make the model, run everybody in turns, judge."""
        model = self._model(case, self.folder / "model.mindir")
        if case.config:
            (self.folder / "config").write_text(case.config)
        commands = {"ours": self._ours(case, model)} | self._others(case, model)
        if not case.config and case.make[0] != "import":
            run(commands["ours"])  # compiles and warms up
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(self.rounds or case.rounds):
            for name, command in commands.items():
                costs[name].append(self._run(command, is_large=model.stat().st_size > 50 * MIB))
        for goal in case.goals:
            self._judge(case, goal, costs)

    def _model(self, case: Case, path: Path) -> Path:
        kind, *numbers = case.make
        if kind == "densenet":
            if self.densenet:
                return self.densenet
            print(f"{case.name:>18}  a chain of 121 small layers stands in for it", flush=True)
            kind, numbers = "train", ["32", "121"]
        if kind in ("file", "import"):
            return LENET
        self._make(path, kind, *numbers)
        if case.name.endswith("nodes"):
            self._make(path.with_name("tenth.mindir"), kind, numbers[0], str(int(numbers[1]) // 10))
        return path

    def _make(self, path: Path, kind: str, width: str, depth: str) -> None:
        script = [sys.executable, str(ROOT / "benchmarks/models.py"), kind, str(path)]
        subprocess.run([*script, "--width", width, "--depth", depth], check=True, stdout=subprocess.DEVNULL)

    def _ours(self, case: Case, model: Path) -> list[str]:
        if case.make[0] == "import":
            return [sys.executable, "-S", "-c", "import converter.__main__, converter.api"]
        flags = [f"--modelFile={model}", f"--outputFile={self.folder / 'ours'}", "--fmk=MINDIR"]
        flags += [f"--trainModel={'true' if case.is_training else 'false'}"]
        flags += [f"--configFile={self.folder / 'config'}"] if case.config else []
        return [sys.executable, "-S", "-m", "converter", *flags]

    def _others(self, case: Case, model: Path) -> dict[str, list[str]]:
        bases = {goal.base for goal in case.goals}
        commands: dict[str, list[str]] = {}
        if "cp" in bases:
            commands["cp"] = ["cp", str(model), str(self.folder / "copy")]
        if "a tenth" in bases:
            commands["a tenth"] = self._ours(case, model.with_name("tenth.mindir"))
        if "official" in bases and self.oracle is not None:
            mode = "train" if case.is_training else "infer"
            words = [str(self.oracle / "bin/convert"), str(model), str(self.folder / "official.ms"), mode]
            commands["official"] = [*words, *([str(self.folder / "config")] if case.config else [])]
        return commands

    def _run(self, command: list[str], *, is_large: bool) -> Cost:
        """One process, from a disk that has nothing else to do."""
        for name in ("ours.ms", "copy", "official.ms"):
            (self.folder / name).unlink(missing_ok=True)
        if is_large:
            os.sync()
        libraries = {"LD_LIBRARY_PATH": str(self.oracle / "mindspore_lite/lib")} if self.oracle else {}
        return run(command, libraries if command[0].endswith("bin/convert") else {})

    def _judge(self, case: Case, goal: Goal, costs: dict[str, list[Cost]]) -> None:
        mine = [getattr(cost, goal.measure) for cost in costs["ours"]]
        label = f"{case.name:>18}  {goal.measure:>4} {_text(statistics.median(mine), goal.measure):>9}"
        if goal.base and goal.base not in costs:
            print(f"{label} {'':>9}  not measured: no {goal.base} converter", flush=True)
            return
        if goal.base:
            other = [getattr(cost, goal.measure) for cost in costs[goal.base]]
            found = statistics.median(one / two for one, two in zip(mine, other, strict=True))
            base, shown, most = _text(statistics.median(other), goal.measure), f"{found:.3f}", f"{goal.most:g}"
        else:
            found, base, shown, most = statistics.median(mine), "", "", _text(goal.most, goal.measure)
        verdict = "ok" if found <= goal.most else "MISSED"
        if verdict != "ok":
            self.missed.append(case.name)
        print(f"{label} {base:>9} {shown:>7} {most:>8}  {goal.base or 'absolute':<9} {verdict}", flush=True)


def run(command: list[str], more: dict[str, str] | None = None) -> Cost:
    """Run to the end; the output only matters when it fails."""
    places = [str(ROOT), sysconfig.get_path("purelib")]
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": os.pathsep.join(places), "OPENBLAS_NUM_THREADS": "1", **(more or {})}
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(command)}\n{log.read().decode(errors='replace')[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _text(number: float, measure: str) -> str:
    return f"{number / MIB:.0f} MiB" if measure == "rss" else f"{number:.3f} s"


def oracle_folder(given: str | None) -> Path | None:
    """The official converter, where it is installed."""
    folder = Path(given or os.environ.get("MSLITE_ORACLE") or ROOT / ".venv-oracle")
    return folder.resolve() if (folder / "installed").is_file() else None


def main() -> int:
    """Print the table, or the rows that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(case.name for case in CASES))
    parser.add_argument("--rounds", type=int, help="instead of each row's own number")
    parser.add_argument("--oracle", help="folder of the official converter")
    parser.add_argument("--densenet", type=Path, help="a training step of DenseNet-121")
    parser.add_argument("--folder", type=Path, help="where to work; needs 5 GB")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rows) - {case.name for case in CASES})
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(case.name for case in CASES)}")
    chosen = [case for case in CASES if not arguments.rows or case.name in arguments.rows]
    if arguments.folder is not None:
        Path(arguments.folder).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    bench = Bench(folder, oracle_folder(arguments.oracle), arguments.densenet, arguments.rounds)
    print(f"{'work':>18}  {'of':>4} {'ours':>9} {'base':>9} {'ratio':>7} {'goal':>8}  base      verdict")
    try:
        for case in chosen:
            bench.row(case)
    finally:
        shutil.rmtree(folder)
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
