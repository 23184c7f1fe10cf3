"""Convert a recorded case, train it in the reference interpreter, and compare with what MindSpore recorded.

    python tests/zoo/proof.py tests/zoo/data/ms200/opt_*.mindir

Losses are compared relative to MindSpore's; weights, slots and moving averages relative to their largest element.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from converter.api import convert_file
from converter.errors import ConversionError
from converter.ir import Layout, Model
from converter.mslite.reader import read_model
from converter.options import ConvertOptions
from converter.passes.layout.channels_last import TO_NCHW, TO_NHWC
from converter.reference import Session, run, train

Array = np.ndarray[Any, np.dtype[Any]]
LOSS_BOUND, WEIGHT_BOUND = 1e-5, 1e-4
# Recurrent networks and those of more than 50 layers add up more rounding.
DEEP_BOUND, DEEP = 1e-4, ("lstm", "gru", "rnn", "resnet50", "densenet", "googlenet", "effnet", "mobilenetv3")
NOISE = 1e-6
# Where a recording says how far MindSpore's own numbers move when its inputs move by one unit in the last place, a
# parameter that moves far is held to this multiple of it: sums in another order move more than inputs do.
SPREAD_FACTOR = 8.0
DEVIATIONS = 4.0
_RANK = 4
# The oldest MindSpore measured whose moving variance of BatchNorm is the unbiased one; 2.0 has the biased one.
_UNBIASED_SINCE = (2, 7)


@dataclass(frozen=True)
class Expected:
    """What a case is held to: the bound of its losses, how many steps are compared, and why not the usual.

    A random case is compared by expectation: MindSpore's losses with those of `runs` runs.
    """

    bound: float = LOSS_BOUND
    steps: int | None = None
    note: str = ""
    runs: int = 0


_HALF = Expected(2e-3, note="MindSpore rounds to float16, the device computes in float32")
EXPECTED = {
    "half_infer": _HALF,
    "half_weights_infer": _HALF,
    "ms270/hrnet_w32_infer": replace(_HALF, note="MindSpore 2.7 resizes in float16, the device in float32"),
    "layer_dropout": Expected(note="random", runs=100),
    "loss_kldiv_batchmean": Expected(4e-5, note="a difference of larger sums; 3.7e-5 was measured on the device"),
    "opt_ftrl": Expected(steps=1, note="MindSpore's CPU kernel has a wrong sign; the formula is tested in tests/ops"),
    "opt_momentum_nesterov": Expected(
        steps=1, note="MindSpore's CPU kernel ignores nesterov; the formula is tested in tests/ops"
    ),
}


@dataclass(frozen=True)
class Far:
    """A parameter that is off by more than the usual bound, but by no more than MindSpore's own spread allows."""

    name: str
    error: float
    spread: float


@dataclass(frozen=True)
class Proof:
    """How close one case came: the largest errors, and where the largest weight error is.

    `far` are the parameters that `weight_error` leaves out: rounding decides their numbers in MindSpore as well.
    """

    nodes: int
    size: int
    loss_error: float
    weight_error: float
    worst: str
    seconds: float
    loss_bound: float = LOSS_BOUND
    note: str = ""
    far: tuple[Far, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether both errors are within their bounds."""
        return self.loss_error <= self.loss_bound and self.weight_error <= WEIGHT_BOUND


def prove(model: Path) -> Proof:
    """Convert and compare one `.mindir` with the recording beside it. Raises `ConversionError`."""
    started = time.perf_counter()
    expected = expected_of(model)
    with np.load(recording(model)) as record, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.ms"
        report = convert_file(model, target, ConvertOptions(train="losses" in record.files))
        proof = compare(read_model(target), record, expected)
    return replace(proof, nodes=report.nodes, size=report.size, seconds=time.perf_counter() - started)


def expected_of(model: Path) -> Expected:
    """What the case of a model file is held to; its folder is named after MindSpore's version."""
    return expected(model.parent.name, model.stem)


def expected(version: str, case: str) -> Expected:
    """What a case is held to, with one version of MindSpore or with all."""
    bound = DEEP_BOUND if any(mark in case for mark in DEEP) else LOSS_BOUND
    return EXPECTED.get(f"{version}/{case}") or EXPECTED.get(case, Expected(bound))


def recording(model: Path) -> Path:
    """The recording beside a model; the name of a split model ends in _graph."""
    return model.with_name(model.name.replace("_graph.mindir", ".mindir")).with_suffix(".npz")


def compare(converted: Model, record: Any, held_to: Expected) -> Proof:
    """Errors of losses (or outputs) and of constants, and the name of the worst constant.

    Where only the losses of the first steps are compared, no constants are.
    """
    proof = Proof(len(converted.main.nodes), 0, 0.0, 0.0, "", 0.0, held_to.bound, held_to.note)
    if "losses" not in record.files:
        return replace(proof, loss_error=_infer(converted, record))
    if held_to.runs:
        return _by_expectation(proof, converted, record, held_to.runs)
    expected = np.asarray(record["losses"])
    result = train(converted, inputs_of(converted, record), len(expected))
    found = np.array([next(iter(outputs.values())).reshape(-1) for outputs in result.steps])
    if held_to.steps is not None:
        return replace(proof, loss_error=loss_error(found[: held_to.steps], expected[: held_to.steps]))
    weights, worst, far = _constants(converted, result.constants, record)
    return replace(proof, loss_error=loss_error(found, expected), weight_error=weights, worst=worst, far=far)


def _by_expectation(proof: Proof, converted: Model, record: Any, runs: int) -> Proof:
    """Every loss of MindSpore's lies within some standard deviations of the mean of runs with other random numbers."""
    inputs, expected = inputs_of(converted, record), np.asarray(record["losses"]).reshape(-1)
    losses = np.empty((runs, len(expected)))
    for seed in range(runs):
        session = Session(converted)
        for place, node in enumerate(node for node in converted.main.nodes if node.op == "Dropout"):
            session.state(node)["generator"] = np.random.default_rng((seed, place))
        losses[seed] = [session.step(inputs).losses[0] for _ in expected]
    deviation = float((np.abs(expected - losses.mean(axis=0)) / losses.std(axis=0)).max())
    note = f"{proof.note}: MindSpore's losses are within {deviation:.1f} deviations of the mean of {runs} runs"
    return replace(proof, loss_error=0.0 if deviation <= DEVIATIONS else float("inf"), note=note)


def inputs_of(converted: Model, record: Any) -> dict[str, Array]:
    """The recorded inputs as the converted model takes them: by name, images channels last, 32-bit types."""
    inputs: dict[str, Array] = {}
    for index, value in enumerate(converted.main.inputs):
        array = record[f"in{index}"]
        if value.layout is Layout.NHWC and array.ndim == _RANK:
            array = array.transpose(TO_NHWC)
        inputs[value.name] = np.asarray(array, value.type.dtype.numpy, order="C")
    return inputs


def _constants(converted: Model, constants: dict[str, Array], record: Any) -> tuple[float, str, tuple[Far, ...]]:
    """The largest error of a final constant, its name, and the constants that are held to their spread instead."""
    values = {value.name: value for value in converted.main.constants()}
    variances = moving_variances(converted, record)
    noisy = noise(record)
    worst, far = (0.0, ""), []
    for key in record.files:
        name = key.removeprefix("final/")
        if key == name or name not in constants or any(name == each or name.endswith(f".{each}") for each in noisy):
            continue
        found, expected = constants[name], variances.get(name, record[key])
        if name.startswith("stat."):  # of which the device reads and clears the first element only
            found = np.full(expected.shape, found.reshape(-1)[0])
        if values[name].layout is Layout.KHWC and found.ndim == _RANK:
            found = found.transpose(TO_NCHW)
        off = error(found.reshape(expected.shape), expected)
        spread = float(record[f"spread/{name}"]) if f"spread/{name}" in record.files else 0.0
        if WEIGHT_BOUND < off <= SPREAD_FACTOR * spread:
            far.append(Far(name, off, spread))
        else:
            worst = max(worst, (off, name))
    return *worst, tuple(far)


def moving_variances(converted: Model, record: Any) -> dict[str, Array]:
    """What the device makes of every moving variance, from what MindSpore recorded; by parameter name.

    Both move v to (1 - m) * v + m * b in each step. MindSpore 2.0 takes b as the mean square of N values, MindSpore 2.7
    and 2.10 divide by N - 1; the device divides by N - 1 for images, by N for matrices. What the batches have added is
    proportional to that factor, so the expected value is exact, whatever the batches were.
    """
    version = tuple(int(part) for part in json.loads(str(record["meta"]))["mindspore"].split(".")[:2])
    expected: dict[str, Array] = {}
    for node in converted.main.nodes:
        if node.op != "FusedBatchNorm" or not node.attrs["mode"]:
            continue
        shape, variance = node.inputs[0].type.shape or (), node.inputs[4]
        if variance.const is None or f"final/{variance.name}" not in record.files:
            continue
        count = int(np.prod(shape[:-1]))
        unbiased = count / max(count - 1, 1)
        factor = (unbiased if len(shape) == _RANK else 1.0) / (unbiased if version >= _UNBIASED_SINCE else 1.0)
        momentum = float(str(node.attrs["momentum"]))
        kept = (1 - momentum) ** len(record["losses"]) * variance.const.array().astype(np.float64)
        expected[variance.name] = kept + (record[f"final/{variance.name}"] - kept) * factor
    return expected


def _infer(converted: Model, record: Any) -> float:
    """The largest error of an output."""
    outputs = run(converted, inputs_of(converted, record)).values()
    return max(error(found.reshape(record[f"out{i}"].shape), record[f"out{i}"]) for i, found in enumerate(outputs))


def noise(record: Any) -> set[str]:
    """Parameters whose gradient is zero, up to rounding: a bias in front of a BatchNorm, a bias of attention keys.

    Their first moments are a millionth of the largest, or less. Adam divides such noise by its own size and makes
    steps of it, on which no two machines agree.
    """
    moments = {
        key.removeprefix("final/" + prefix): float(np.abs(record[key]).max())
        for prefix in ("moments.", "moment1.")
        for key in record.files
        if key.startswith("final/" + prefix) and record[key].size
    }
    largest = max(moments.values(), default=0.0)
    return {name for name, size in moments.items() if 0 < size < NOISE * largest}


def error(found: Array, expected: Array) -> float:
    """Largest difference, relative to the largest element; absolute where all are zero."""
    if not expected.size:
        return 0.0
    difference = np.abs(found.astype(np.float64) - expected)
    return float(difference.max() / (np.abs(expected).max() or 1.0)) if np.isfinite(difference).all() else float("inf")


def loss_error(found: Array, expected: Array) -> float:
    """Largest difference of a step's loss, relative to that loss; of several losses, to the largest of the step."""
    if not expected.size:
        return 0.0
    if found.size != expected.size:
        return float("inf")
    steps = expected.reshape(len(expected), -1)
    scale = np.maximum(np.abs(steps).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    difference = np.abs(found.reshape(steps.shape).astype(np.float64) - steps) / scale
    return float(difference.max()) if np.isfinite(difference).all() else float("inf")


def main() -> int:
    """Prove the files named on the command line; one line each; exit code 1 when one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", nargs="+", type=Path)
    failures = 0
    for model in parser.parse_args().models:
        try:
            proof = prove(model)
        except ConversionError as problem:
            failures += 1
            sys.stdout.write(f"FAIL {model.parent.name}/{model.stem:34s} {problem}\n")
            continue
        failures += not proof.holds
        sys.stdout.write(
            f"{'ok  ' if proof.holds else 'FAIL'} {model.parent.name}/{model.stem:34s} {proof.nodes:5d} nodes"
            f"  loss {proof.loss_error:.1e}  weights {proof.weight_error:.1e} {proof.worst}  {proof.seconds:.2f} s\n"
        )
        for each in proof.far:
            sys.stdout.write(f"     {each.name}: {each.error:.1e}, MindSpore's own spread {each.spread:.1e}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
