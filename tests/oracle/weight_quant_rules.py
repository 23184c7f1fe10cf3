"""The official 8-bit WEIGHT_QUANT, restated in numpy from measurements and checked bit for bit against official files.

Input is the unquantized `.ms` of a model; output is what the official converter 2.0.0 stores in the quantized one.
Every float width and every order of summation matters: results are compared exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from compression_rules import compress
from ms_file import MsFile, MsNode, MsTensor, QuantParam, values

if TYPE_CHECKING:
    from numpy.typing import NDArray

Q_MIN, Q_MAX, BITS = -128, 127, 8
FLOAT32, INT8, QUANT_WEIGHT = 43, 32, 4
ACCUMULATORS = {"ApplyMomentum": (1,), "SGD": (3, 5), "Adam": (1, 2)}  # 0-based inputs
WEIGHTED = ("Conv2DFusion", "Conv2dTransposeFusion", "MatMulFusion", "FullConnection", "LSTM", "Gather")
CHANNEL_CHECKED = ("Conv2DFusion", "Conv2dTransposeFusion")
MIN_CHANNEL_VALUES = 256 // (32 - BITS)


@dataclass(frozen=True)
class Settings:
    """The keys of the config that matter for 8 bits, with the official defaults."""

    min_size: int = 0
    min_channel: int = 16
    is_encoded: bool = True
    skipped: tuple[str, ...] = ()


def round_away(x: Any) -> Any:  # noqa: ANN401 (scalar in, scalar out)
    """Round to nearest, halves away from zero (C's `round`; numpy rounds halves to even)."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.copysign(1.0, x), 0.0)


def scale_of(low: np.float32, high: np.float32) -> tuple[float, int]:
    """Scale and zero point of a range. Bounds, their differences and the scale are float32, the rest float64."""
    high = max(high, np.float32(low + np.float32(1e-10)))
    low, high = min(low, np.float32(0)), max(high, np.float32(0))
    step = float(np.float32(high - low)) / (Q_MAX - Q_MIN)
    levels_below = float(round_away(-float(low) / step))
    low = np.float32((0 - levels_below) * step)
    high = np.float32((Q_MAX - Q_MIN - levels_below) * step)
    scale = float(np.float32(high - low) / np.float32(Q_MAX - Q_MIN))
    return scale, int(round_away(Q_MIN - float(low) / scale))


def quantize(x: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Nearest levels, in float64."""
    levels: NDArray[np.float64] = round_away(x.astype(np.float64) / scale + zero_point)
    return np.clip(levels, Q_MIN, Q_MAX).astype(np.int8)


def ordered_sum(x: NDArray[np.float64]) -> float:
    """Sum front to back: `numpy.sum` adds pairwise and differs in the last bits."""
    return float(np.cumsum(x)[-1])


def corrections(x: NDArray[np.float32], q: NDArray[np.int8], scale: float, zero_point: int) -> tuple[float, float]:
    """varCorr and meanCorr of one channel: population deviations in float64, values in storage order."""
    raw = x.astype(np.float64)
    back = (scale * (q.astype(np.float64) - zero_point)).astype(np.float32).astype(np.float64)
    mean, mean_back = ordered_sum(raw) / x.size, ordered_sum(back) / x.size
    deviation = np.sqrt(ordered_sum((raw - mean) ** 2) / x.size)
    deviation_back = np.sqrt(ordered_sum((back - mean_back) ** 2) / x.size)
    var_corr = np.float32(1)
    if min(deviation, deviation_back) > np.finfo(np.float64).eps and deviation / deviation_back < 10:
        var_corr = np.float32(deviation / deviation_back)
    return float(var_corr), float(np.float32(mean - mean_back * float(var_corr)))


def entry(scale: float, zero_point: int, var_corr: float = 1.0, mean_corr: float = 0.0) -> QuantParam:
    """One QuantParam as the official file has it."""
    return QuantParam(scale, zero_point, BITS, var_corr, mean_corr, (0.0, 0.0, True, False, INT8, 1, 1))


def per_layer(x: NDArray[np.float32]) -> tuple[NDArray[np.int8], tuple[QuantParam, ...]]:
    """One scale for all values, no correction."""
    scale, zero_point = scale_of(x.min(), x.max())
    return quantize(x, scale, zero_point), (entry(scale, zero_point),)


def per_channel(x: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], tuple[QuantParam, ...]]:
    """One scale and correction per slice along `axis`."""
    q = np.empty(x.shape, np.int8)
    params = []
    for channel in range(x.shape[axis]):
        where: tuple[Any, ...] = (slice(None),) * axis + (channel,)
        part = x[where].ravel()
        scale, zero_point = scale_of(part.min(), part.max())
        levels = quantize(part, scale, zero_point)
        q[where] = levels.reshape(x[where].shape)
        params.append(entry(scale, zero_point, *corrections(part, levels, scale, zero_point)))
    return q, tuple(params)


def channel_axis(file: MsFile, node: MsNode, position: int, rank: int) -> int:
    """The axis whose slices get their own scale."""
    if node.op == "Gather":
        return int(values(file.tensors[node.inputs[2]]).ravel()[0])
    if node.op == "Conv2dTransposeFusion":
        is_depthwise = node.attributes["InChannel"] == node.attributes["Group"] == node.attributes["OutChannel"]
        return 0 if is_depthwise else rank - 1
    if node.op == "MatMulFusion" and position < 2:
        is_row_wise = node.attributes["TransposeB"] if position else not node.attributes["TransposeA"]
        return rank - 2 if is_row_wise else rank - 1
    return 0


def is_candidate(tensor: MsTensor, settings: Settings) -> bool:
    """A float32 constant of rank 2 or more with more values than the minimum."""
    is_float = bool(tensor.data) and tensor.data_type == FLOAT32
    return is_float and len(tensor.dims) >= 2 and prod(tensor.dims) > settings.min_size


def quantized(tensor: MsTensor, node: MsNode, axis: int, settings: Settings, *, is_per_layer: bool) -> MsTensor:
    """One candidate as one node leaves it: quantized, or untouched when a threshold says so."""
    x = values(tensor)
    if node.op in CHANNEL_CHECKED and x.shape[axis] <= settings.min_channel:
        return tensor
    if not is_per_layer and x.size // x.shape[axis] <= MIN_CHANNEL_VALUES:
        return tensor
    q, params = per_layer(x) if is_per_layer else per_channel(x, axis)
    data, compression = q.tobytes(), 0
    if settings.is_encoded:
        data, compression = compress(q, [param.zero_point for param in params])
    return replace(tensor, data_type=INT8, data=data, params=params, compression=compression)


def weight_quant(file: MsFile, settings: Settings) -> MsFile:
    """The whole file as the official converter quantizes it. The first node in file order decides about a tensor."""
    tensors = list(file.tensors)
    readers = [i for node in file.nodes for i in node.inputs]
    for node in file.nodes:
        if node.name in settings.skipped or node.op not in (*WEIGHTED, *ACCUMULATORS):
            continue
        is_per_layer = node.op in ACCUMULATORS
        for position in ACCUMULATORS.get(node.op, range(len(node.inputs))):
            i = node.inputs[position]
            if not is_candidate(tensors[i], settings):
                continue
            is_per_layer = is_per_layer or (node.op == "MatMulFusion" and readers.count(i) > 1)
            axis = channel_axis(file, node, position, len(tensors[i].dims))
            tensors[i] = quantized(tensors[i], node, axis, settings, is_per_layer=is_per_layer)
    return marked(file, tensors)


def marked(file: MsFile, tensors: list[MsTensor]) -> MsFile:
    """Mark every reader of a quantized tensor; an optimizer's output takes the type of the weight it updates."""
    changed = {i for i, tensor in enumerate(tensors) if tensor.params}
    for node in file.nodes:
        if node.op in ACCUMULATORS:
            first = node.outputs[0]
            tensors[first] = replace(tensors[first], data_type=tensors[node.inputs[0]].data_type)
    nodes = tuple(replace(n, quant_type=QUANT_WEIGHT) if changed & set(n.inputs) else n for n in file.nodes)
    return replace(file, tensors=tuple(tensors), nodes=nodes)
