"""Holds a quantized model against its float twin: errors of weights, and of activations on calibration samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import DType
from converter.ops.encoding import EncodedTensor, Encoding
from converter.quantize.int8_policy import QUANT_ALL
from converter.reference import Session
from converter.reference.constants import channel_axis, dequantize
from converter.report import QuantizedTensor, QuantReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.ir import Model, Node, QuantParam, Value
    from converter.quantize.samples import Sample

    Array = np.ndarray[Any, np.dtype[Any]]

_DIGITS = 9  # of a report: the last ones depend on the processor
JUDGED_SAMPLES = 4  # each costs a run of both models


@dataclass(frozen=True)
class Comparison:
    """One tensor of one run: in the float model, and as the quantized one has it."""

    node: Node
    value: Value
    plain: Array
    shown: Array

    @property
    def error(self) -> float:
        """Relative error in the 2-norm."""
        plain = self.plain.astype(np.float64)
        size = float(np.linalg.norm(plain))
        return round(float(np.linalg.norm(self.shown - plain)) / size, _DIGITS) if size else 0.0

    @property
    def cosine(self) -> float:
        """Cosine of the angle between both; 1 for tensors of zeros."""
        first, second = self.plain.reshape(-1).astype(np.float64), self.shown.reshape(-1).astype(np.float64)
        sizes = float(np.linalg.norm(first) * np.linalg.norm(second))
        return round(float(first @ second) / sizes, _DIGITS) if sizes else 1.0

    @property
    def saturation(self) -> float:
        """Share of float values that lie beyond the levels, by more than rounding."""
        if not self.value.quant:
            return 0.0
        lows, highs = zip(*map(bounds, self.value.quant), strict=True)
        slack = max(param.scale for param in self.value.quant)
        return float(np.mean((self.plain < min(lows) - slack) | (self.plain > max(highs) + slack)))


def bounds(param: QuantParam) -> tuple[float, float]:
    """What the lowest and the highest level stand for."""
    low, high = -(1 << (param.bits - 1)), (1 << (param.bits - 1)) - 1
    return (low - param.zero_point) * param.scale, (high - param.zero_point) * param.scale


def compare_weights(model: Model, twin: Model) -> Iterator[Comparison]:
    """Every quantized constant, at its first reader."""
    before = {node.name: node for graph in twin.graphs for node in graph.nodes}
    seen: set[int] = set()
    for node in (node for graph in model.graphs for node in graph.nodes if node.name in before):
        for place, value in enumerate(node.inputs):
            if not (value.quant or _is_coded(value)) or value.const is None or id(value) in seen:
                continue
            seen.add(id(value))
            old = before[node.name].inputs[place : place + 1]
            if old and old[0].const is not None:
                yield Comparison(node, value, old[0].const.array(), _real(value))


def _is_coded(value: Value) -> bool:
    return isinstance(value.const, EncodedTensor) and value.const.encoding is Encoding.FSE


def _real(value: Value) -> Array:
    """The numbers that a constant's levels stand for."""
    stored = value.const.array() if value.const is not None else np.zeros(0, np.float32)
    if stored.dtype == np.float32:
        return stored
    return dequantize(stored, value.quant, channel_axis(value, stored.shape) or 0)


@dataclass
class Runs:
    """A float model and its quantized form, to be run on samples one after the other."""

    model: Model
    twin: Model
    outputs: dict[str, tuple[Value, Array]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compile both."""
        self._quantized, self._plain = Session(self.model), Session(self.twin)

    def compare(self, sample: Sample) -> list[Comparison]:
        """First outputs of the nodes that compute in int8."""
        inputs = sample.arrays()
        wanted = {node.name: node for node in self.model.main.nodes if node.quant_type == QUANT_ALL}
        plain: dict[str, Array] = {}
        found: list[Comparison] = []

        def keep(_position: int, node: Node, outputs: Sequence[Array | None]) -> None:
            if node.name in wanted and outputs[0] is not None:
                plain[node.name] = outputs[0]

        def hold(_position: int, node: Node, outputs: Sequence[Array | None]) -> None:
            if node.name in plain and outputs[0] is not None:
                value = node.outputs[0]
                shown = dequantize(outputs[0], value.quant, 0) if value.type.dtype is DType.INT8 else outputs[0]
                found.append(Comparison(node, value, plain.pop(node.name), shown))

        self._plain.on_kernel, self._quantized.on_kernel = keep, hold
        self._plain.infer(inputs)
        self._quantized.infer(inputs)
        return found


def judged(
    kind: str, model: Model, twin: Model, floats: Sequence[tuple[str, str]], runs: Sequence[Sequence[Comparison]]
) -> QuantReport:
    """The report of a quantization; `runs` are comparisons per sample, empty where nothing was calibrated."""
    weights = [_tensor([each]) for each in compare_weights(model, twin)]
    layers: dict[str, list[Comparison]] = {}
    for run in runs:
        for each in run:
            layers.setdefault(each.node.name, []).append(each)
    return QuantReport(
        kind,
        (*weights, *(_tensor(found) for found in layers.values())),
        tuple((name, float(np.mean([each.cosine for each in found]))) for name, found in layers.items()),
        tuple(floats),
        _constant_bytes(twin),
        _constant_bytes(model),
    )


def _tensor(found: Sequence[Comparison]) -> QuantizedTensor:
    """One tensor; errors are means over its runs."""
    value = found[0].value
    if value.quant:
        lows, highs = zip(*map(bounds, value.quant), strict=True)
        bits, low, high = value.quant[0].bits, min(lows), max(highs)
    else:  # coded by entropy: the mean number of bits, rounded up
        size = value.const.nbytes if value.const is not None else 0
        bits, low, high = -(-8 * size // value.type.size), float(found[0].shown.min()), float(found[0].shown.max())
    saturation, error = (float(np.mean([getattr(each, name) for each in found])) for name in ("saturation", "error"))
    return QuantizedTensor(found[0].node.name, value.name, bits, len(value.quant), low, high, saturation, error)


def _constant_bytes(model: Model) -> int:
    """Bytes of all constants as the file stores them, each counted once."""
    values = {id(value): value for graph in model.graphs for value in graph.constants()}
    return sum(value.const.nbytes for value in values.values() if value.const is not None)
