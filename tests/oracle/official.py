"""The installed official converter and runtime as two functions. Both run in their own process: they may crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ENVIRONMENT_KEY = "MSLITE_ORACLE"
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / ".venv-oracle"
NUMPY_TYPES = {30: "?", 32: "i1", 33: "i2", 34: "i4", 35: "i8", 37: "u1", 42: "f2", 43: "f4", 44: "f8"}  # TypeId


class OracleError(Exception):
    """The oracle is missing, or the official runtime refused a model or failed on it."""


@dataclass(frozen=True)
class Conversion:
    """How the official converter ended.

    Attributes:
        returncode: Of the process; negative for a signal.
        status: The signed official status code (0, -1, -600, …), None when the process died before printing it.
        log: All it printed.
    """

    returncode: int
    status: int | None
    log: str

    @property
    def ending(self) -> str:
        """`status 0`, `status -600`, `signal SIGABRT`, …"""
        if self.returncode < 0:
            return f"signal {signal.Signals(-self.returncode).name}"
        return f"exit {self.returncode}" if self.status is None else f"status {self.status}"


@dataclass(frozen=True)
class Slot:
    """One input or output of a model in the official runtime."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def oracle_folder(given: str | None = None) -> Path:
    """The installed oracle: given, or from the environment, or the project's own.

    Raises:
        OracleError: It is not installed there.
    """
    folder = Path(given or os.environ.get(ENVIRONMENT_KEY) or DEFAULT_FOLDER).resolve()
    if not (folder / "installed").is_file():
        raise OracleError(f"no oracle in {folder}; install it: python tests/oracle/install.py {folder}")
    return folder


def start(command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run one of the programs; a process that hangs is killed."""
    libraries = Path(command[0]).parents[1] / "mindspore_lite" / "lib"
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env={**os.environ, "LD_LIBRARY_PATH": str(libraries)},
            cwd=tempfile.gettempdir(),  # a crash may drop a core file
        )
    except subprocess.TimeoutExpired as error:
        raise OracleError(f"{command[0]} did not end within {timeout:g} s") from error


def convert(
    oracle: Path,
    model: Path,
    output: Path,
    *,
    is_training: bool,
    config: Path | None = None,
    flags: Sequence[str] = (),
    timeout: float = 120,
) -> Conversion:
    """Convert a `.mindir` with the official converter. `output` should end in `.ms`; `flags` are `--name=value`."""
    mode = "train" if is_training else "infer"
    command = [str(oracle / "bin" / "convert"), str(model.absolute()), str(output.absolute()), mode]
    done = start([*command, *([str(config.absolute())] if config else []), *flags], timeout)
    ends = [line for line in done.stdout.splitlines() if line.startswith("status ")]
    return Conversion(done.returncode, int(ends[-1].split()[1]) if ends else None, done.stdout + done.stderr)


def slots(stdout: str, role: str) -> list[Slot]:
    """Parse the descriptions that the program prints."""
    found = []
    for line in stdout.splitlines():
        words = line.split(" ")
        if words[0] != role:
            continue
        rank = int(words[4])
        shape = tuple(int(word) for word in words[5 : 5 + rank])
        found.append(Slot(" ".join(words[5 + rank :]), np.dtype(NUMPY_TYPES[int(words[2])]), shape))
    return found


def call(oracle: Path, arguments: list[str], timeout: float) -> str:
    done = start([str(oracle / "bin" / "run"), *arguments], timeout)
    if done.returncode:
        raise OracleError(f"official runtime ended with {done.returncode} on {arguments[0]}\n{done.stderr}")
    return done.stdout


def describe(oracle: Path, model: Path, timeout: float = 60) -> list[Slot]:
    """The inputs of a `.ms` as the official runtime reports them.

    Raises:
        OracleError: The runtime refuses the model.
    """
    return slots(call(oracle, [str(model.absolute())], timeout), "in")


def predict(
    oracle: Path, model: Path, inputs: Mapping[str, NDArray[Any]], timeout: float = 120
) -> dict[str, NDArray[Any]]:
    """Run a `.ms` once in the official runtime.

    Args:
        oracle: Installed oracle.
        model: The `.ms` file.
        inputs: `in0`, `in1`, … in the order the runtime reports; converted to the input's type, shape must agree.
        timeout: Seconds.

    Returns:
        Outputs by name, in the runtime's order.

    Raises:
        OracleError: Refused, failed, crashed or hung; or an input is missing or has another shape.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        _write_inputs(describe(oracle, model, timeout), inputs, folder)
        found = slots(call(oracle, [str(model.absolute()), str(folder)], timeout), "out")
        raw = [(folder / f"out{index}.bin").read_bytes() for index in range(len(found))]
        return {s.name: np.frombuffer(b, s.dtype).reshape(s.shape) for s, b in zip(found, raw, strict=True)}
    finally:
        shutil.rmtree(folder)


def predict_each(
    oracle: Path, model: Path, runs: Sequence[Mapping[str, NDArray[Any]]], timeout: float = 120
) -> list[dict[str, NDArray[Any]]]:
    """Run a `.ms` on several inputs in one session, resized to the shapes of each.

    Inputs and outputs are as in `predict`, but for the shapes, which the runtime checks itself.

    Raises:
        OracleError: Refused, failed, crashed or hung.
    """
    wanted = describe(oracle, model, timeout)
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / str(index) for index in range(len(runs))]
        for folder, inputs in zip(folders, runs, strict=True):
            folder.mkdir()
            _write_inputs([Slot(s.name, s.dtype, inputs[f"in{i}"].shape) for i, s in enumerate(wanted)], inputs, folder)
            shapes = [" ".join(map(str, inputs[f"in{i}"].shape)) for i in range(len(wanted))]
            (folder / "shapes").write_text("".join(f"{shape}\n" for shape in shapes), encoding="ascii")
        found = slots(call(oracle, [str(model.absolute()), *map(str, folders)], timeout), "out")
        count = len(found) // len(runs)
        results = []
        for index, folder in enumerate(folders):
            own = found[index * count : (index + 1) * count]
            raw = [(folder / f"out{place}.bin").read_bytes() for place in range(count)]
            results.append({s.name: np.frombuffer(b, s.dtype).reshape(s.shape) for s, b in zip(own, raw, strict=True)})
    return results


def race(
    oracle: Path, models: tuple[Path, Path], inputs: Mapping[str, NDArray[Any]], seconds: float, timeout: float = 300
) -> NDArray[np.float64]:
    """Run two `.ms` that take the same inputs alternately in one process; nanoseconds [rounds, 2].

    Raises:
        OracleError: One of them is refused or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, value in inputs.items():
            (Path(folder) / f"{name}.bin").write_bytes(value.tobytes())
        files = [str(model.absolute()) for model in models]
        done = start([str(oracle / "bin" / "race"), *files, folder, str(seconds)], timeout)
    if done.returncode:
        raise OracleError(f"the race ended with {done.returncode}\n{done.stderr}")
    laps = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("round ")]
    return np.array(laps, np.float64)


def _write_inputs(wanted: list[Slot], inputs: Mapping[str, NDArray[Any]], folder: Path) -> None:
    """Write `in<i>.bin` for every input of a model, converted to its type; the shape must agree."""
    for index, slot in enumerate(wanted):
        value = inputs.get(f"in{index}")
        if value is None or value.shape != slot.shape:
            got = "missing" if value is None else f"of shape {value.shape}"
            raise OracleError(f"in{index} ({slot.name}) is {got}, the model takes {slot.shape}")
        (folder / f"in{index}.bin").write_bytes(np.ascontiguousarray(value, dtype=slot.dtype).tobytes())
