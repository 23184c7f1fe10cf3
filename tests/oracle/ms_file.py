"""What a `.ms` file says, flat and comparable, read straight through the FlatBuffers bindings.

Independent of `converter.mslite` on purpose: an oracle test must not read both files through the reader it judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from converter._generated.ms.MetaGraph import MetaGraph
from converter._generated.ms.PrimitiveType import PrimitiveType

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

OP_NAMES = {value: name for name, value in vars(PrimitiveType).items() if not name.startswith("_")}
# The attributes that the rules of weight quantization look at, by operator.
READ_ATTRIBUTES = {
    "MatMulFusion": ("TransposeA", "TransposeB"),
    "Conv2dTransposeFusion": ("InChannel", "OutChannel", "Group"),
}
NUMPY_TYPES = {30: "?", 32: "i1", 33: "i2", 34: "i4", 35: "i8", 37: "u1", 42: "f2", 43: "f4", 44: "f8"}  # TypeId


@dataclass(frozen=True)
class QuantParam:
    """One entry of a tensor's quantization: per layer one, per channel one for each channel."""

    scale: float
    zero_point: int
    bits: int
    var_corr: float
    mean_corr: float
    rest: tuple[float | bool | int, ...]
    """min, max, narrowRange, inited, dstDtype, roundType, multiplier."""


@dataclass(frozen=True)
class MsTensor:
    name: str
    data_type: int
    dims: tuple[int, ...]
    data: bytes
    params: tuple[QuantParam, ...]
    compression: int
    format: int


@dataclass(frozen=True)
class MsNode:
    name: str
    op: str
    quant_type: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: dict[str, int]


@dataclass(frozen=True)
class MsFile:
    tensors: tuple[MsTensor, ...]
    nodes: tuple[MsNode, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def constants(self) -> dict[str, MsTensor]:
        """Tensors that carry data, by name."""
        return {tensor.name: tensor for tensor in self.tensors if tensor.data}

    def quantized(self) -> dict[str, MsTensor]:
        """Tensors that carry quantization parameters, by name."""
        return {tensor.name: tensor for tensor in self.tensors if tensor.params}


def values(tensor: MsTensor) -> NDArray[Any]:
    """A constant's values in its own shape."""
    return np.frombuffer(tensor.data, NUMPY_TYPES[tensor.data_type]).reshape(tensor.dims)


def _text(value: bytes | None) -> str:
    return (value or b"").decode()


def _indices(table: Any, field: str) -> tuple[int, ...]:  # noqa: ANN401 (generated code has no types)
    return tuple(int(getattr(table, field)(i)) for i in range(getattr(table, field + "Length")()))


def _param(entry: Any) -> QuantParam:  # noqa: ANN401 (generated code has no types)
    rest = (entry.Min(), entry.Max(), entry.NarrowRange(), entry.Inited(), entry.DstDtype(), entry.RoundType())
    return QuantParam(
        scale=entry.Scale(),
        zero_point=entry.ZeroPoint(),
        bits=entry.NumBits(),
        var_corr=entry.VarCorr(),
        mean_corr=entry.MeanCorr(),
        rest=(*rest, entry.Multiplier()),
    )


def _tensor(entry: Any) -> MsTensor:  # noqa: ANN401 (generated code has no types)
    return MsTensor(
        name=_text(entry.Name()),
        data_type=entry.DataType(),
        dims=_indices(entry, "Dims"),
        data=entry.DataAsNumpy().tobytes() if entry.DataLength() else b"",
        params=tuple(_param(entry.QuantParams(i)) for i in range(entry.QuantParamsLength())),
        compression=entry.WeightQuantCompressType(),
        format=entry.Format(),
    )


def _attributes(primitive: Any, op: str) -> dict[str, int]:  # noqa: ANN401 (generated code has no types)
    if op not in READ_ATTRIBUTES:
        return {}
    table: Any = getattr(import_module(f"converter._generated.ms.{op}"), op)()
    table.Init(primitive.Value().Bytes, primitive.Value().Pos)
    return {name: getattr(table, name)() for name in READ_ATTRIBUTES[op]}


def _node(entry: Any) -> MsNode:  # noqa: ANN401 (generated code has no types)
    op = OP_NAMES[entry.Primitive().ValueType()]
    return MsNode(
        name=_text(entry.Name()),
        op=op,
        quant_type=entry.QuantType(),
        inputs=_indices(entry, "InputIndex"),
        outputs=_indices(entry, "OutputIndex"),
        attributes=_attributes(entry.Primitive(), op),
    )


def read_ms(path: Path) -> MsFile:
    """Read a whole `.ms` file."""
    graph: Any = MetaGraph.GetRootAs(path.read_bytes(), 0)
    return MsFile(
        tensors=tuple(_tensor(graph.AllTensors(i)) for i in range(graph.AllTensorsLength())),
        nodes=tuple(_node(graph.Nodes(i)) for i in range(graph.NodesLength())),
        inputs=_indices(graph, "InputIndex"),
        outputs=_indices(graph, "OutputIndex"),
    )
