"""Export one step or network as MindIR, run it, and record what MindSpore computed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import mindspore
import numpy as np
from mindspore import Parameter, Tensor, nn
from mindspore.train import mind_ir_pb2, serialization

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cases import Case
    from net import Net

READABLE = 0o644
MOVED_RUNS = 3
SPLIT_LIMIT_KIB = 4  # far below any network here, so that a "split" case takes MindSpore's own path for > 1 GiB


def randomize(net: nn.Cell, rng: np.random.RandomState, spec: Net) -> None:
    """Draw every parameter of `net` from `rng`, so that all MindSpore versions start from the same numbers.

    Kernels get the variance `spec.gain / fan_in`; vectors move off MindSpore's constant start values (a bias of 0 or a
    moving mean of 0 hides mistakes); a variance stays positive.
    """
    for param in net.get_parameters():
        start = param.asnumpy()
        noise = rng.standard_normal(start.shape)
        if not np.issubdtype(start.dtype, np.floating):
            continue
        if "variance" in param.name:
            value = 1 + 0.2 * np.tanh(noise)
        elif start.ndim <= 1:
            value = _vector_start(param.name, start, spec) + 0.1 * noise
        else:
            value = noise * _kernel_scale(start.shape, spec.gain)
        param.set_data(Tensor(value.astype(start.dtype)))


def _vector_start(name: str, start: np.ndarray, spec: Net) -> float:
    """Where a vector starts, moved as the network wants it."""
    value = _constant_start(start)
    if name.endswith("gamma"):
        return value * spec.swing
    return value + (spec.lift if name.endswith(("beta", "bias")) else 0.0)


def _constant_start(start: np.ndarray) -> float:
    """The constant that MindSpore fills a vector with: 1 for a gamma; 0 where newer versions draw at random."""
    return float(start.min()) if np.ptp(start) == 0 else 0.0


def _kernel_scale(shape: tuple[int, ...], gain: float) -> float:
    """Standard deviation for a kernel [out, in, ...]; a flat LSTM weight [n, 1, 1] has no fan-in to tell from."""
    fan_in = int(np.prod(shape[1:]))
    return (gain / fan_in) ** 0.5 if fan_in > 1 else 0.2


def export(cell: nn.Cell, inputs: Sequence[np.ndarray], target: Path, *, is_split: bool) -> Path:
    """Write `cell` beside `target` (a path without suffix) and return the file that holds the graph."""
    tensors = [Tensor(array) for array in inputs]
    whole = serialization.TOTAL_SAVE
    if is_split:
        serialization.TOTAL_SAVE = SPLIT_LIMIT_KIB
    try:
        mindspore.export(cell, *tensors, file_name=str(target), file_format="MINDIR")
    finally:
        serialization.TOTAL_SAVE = whole
    graph = target.with_name(target.name + ("_graph.mindir" if is_split else ".mindir"))
    graph.chmod(READABLE)
    if is_split:
        variables = target.with_name(target.name + "_variables")
        variables.chmod(READABLE | 0o111)
        for data in variables.iterdir():
            data.chmod(READABLE)
    return graph


def read_model(path: Path) -> mind_ir_pb2.ModelProto:
    """Parse an exported file with MindSpore's own protobuf classes."""
    model = mind_ir_pb2.ModelProto()
    model.ParseFromString(path.read_bytes())
    return model


def describe(case: Case, model: mind_ir_pb2.ModelProto) -> np.ndarray:
    """Say in JSON where a recording comes from."""
    version = getattr(model, "mind_ir_version", 0)
    meta = {
        "case": case.name,
        "mindspore": mindspore.__version__,
        "mind_ir_version": int(version),
        "steps": case.steps,
    }
    if case.note:
        meta["note"] = case.note
    return np.array(json.dumps(meta, sort_keys=True))


def run_training(step: nn.Cell, inputs: Sequence[np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Run `count` steps on the same batch; losses are the first output of each step, further outputs are `out1`, …."""
    outputs = [_as_arrays(step(*[Tensor(array) for array in inputs])) for _ in range(count)]
    found = {"losses": np.stack([one[0] for one in outputs])}
    for index in range(1, len(outputs[0])):
        found[f"out{index}"] = np.stack([one[index] for one in outputs])
    return found


def run_again(
    step: nn.Cell, start: dict[str, np.ndarray], inputs: Sequence[np.ndarray], found: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """How far MindSpore's own numbers move when every float of the inputs moves by one unit in its last place.

    Per final parameter the largest difference over some runs, relative to the parameter's largest element: what
    rounding decides in this network, and no other implementation can be held to.
    """
    rng = np.random.RandomState(1)
    spread: dict[str, float] = {}
    for _ in range(MOVED_RUNS):
        for param in step.get_parameters():
            param.set_data(Tensor(start[param.name]))
        run_training(step, [_moved(array, rng) for array in inputs], len(found["losses"]))
        for param in step.get_parameters():
            expected = found.get(f"final/{param.name}")
            if expected is None or not np.issubdtype(expected.dtype, np.floating) or not expected.size:
                continue
            moved = np.abs(param.asnumpy().astype(np.float64) - expected).max() / (np.abs(expected).max() or 1.0)
            spread[param.name] = max(spread.get(param.name, 0.0), float(moved))
    return {f"spread/{name}": np.array(value, np.float32) for name, value in spread.items()}


def _moved(array: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Each float moved to a neighbor, up or down by chance."""
    if not np.issubdtype(array.dtype, np.floating):
        return array
    return np.nextafter(array, np.where(rng.rand(*array.shape) < 0.5, -np.inf, np.inf).astype(array.dtype))


def final_parameters(step: nn.Cell, model: mind_ir_pb2.ModelProto) -> dict[str, np.ndarray]:
    """Return the parameters of the MindIR by their names; a MindIR has `graph:name`."""
    wanted = {param.name.split(":", maxsplit=1)[-1] for param in model.graph.parameter}
    found = step.parameters_dict().items()
    return {f"final/{name}": param.asnumpy() for name, param in found if name in wanted}


def run_inference(net: nn.Cell, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the outputs of one run in the order of the MindIR's outputs."""
    found = _as_arrays(net(*[Tensor(array) for array in inputs]))
    return {f"out{index}": array for index, array in enumerate(found)}


def _as_arrays(outputs: Tensor | Parameter | tuple) -> list[np.ndarray]:
    """Flatten what a cell returned."""
    if isinstance(outputs, (tuple, list)):
        return [array for one in outputs for array in _as_arrays(one)]
    return [np.asarray(outputs.asnumpy())]


def copy_parameters(source: nn.Cell, target: nn.Cell) -> None:
    """Give the parameters of a stand-in the values of the original's."""
    values = {param.name: param for param in source.get_parameters()}
    for param in target.get_parameters():
        param.set_data(Tensor(values[param.name].asnumpy()))


def record(case: Case, cell: nn.Cell, runner: nn.Cell, inputs: Sequence[np.ndarray], folder: Path) -> Path:
    """Write `<case>.mindir` from `cell` and `<case>.npz` from `runner`; the export comes before the first step.

    `runner` is `cell` itself, unless MindSpore can export the case but not run it.
    """
    cell.set_train(case.is_training)
    if runner is not cell:
        runner.set_train(case.is_training)
        copy_parameters(cell, runner)
    for _ in range(case.warm_steps):
        cell(*[Tensor(array) for array in inputs])
    graph = export(cell, inputs, folder / case.name, is_split=case.is_split)
    model = read_model(graph)
    if len(model.graph.input) != len(inputs):
        names = [one.name for one in model.graph.input]
        raise ValueError(f"{case.name}: {len(inputs)} inputs given, the graph has {names}")
    found = {f"in{index}": array for index, array in enumerate(inputs)}
    if case.is_training:
        start = {param.name: param.asnumpy().copy() for param in runner.get_parameters()}
        found.update(run_training(runner, inputs, case.steps))
        found.update(final_parameters(runner, model))
        if case.size == "networks":
            found.update(run_again(runner, start, inputs, found))
    else:
        found.update(run_inference(runner, inputs))
    for name, array in found.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise ValueError(f"{case.name}: {name} is not finite")
    found["meta"] = describe(case, model)
    np.savez_compressed(folder / f"{case.name}.npz", **found)
    return graph
