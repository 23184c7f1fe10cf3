"""What a conversion did, for people and for tools."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class TensorReport:
    """A graph input or output: name, element type, shape and layout as in the `.ms` file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    layout: str


@dataclass(frozen=True)
class MemoryReport:
    """Least RAM of a session, in bytes: `constants` of all kinds, and in all for one `inference` or `training` step.

    A lower bound (see reference/memory.py). `training` is None for a model that updates no weights.
    """

    constants: int
    inference: int
    training: int | None


@dataclass(frozen=True)
class QuantizedTensor:
    """One tensor in integers, as node `node` reads or writes it.

    `low` and `high` bound what its levels stand for; `saturation` is the share of its values beyond them, `error` the
    relative error of its numbers (2-norm): of a weight as stored, of an activation on the calibration samples.
    """

    node: str
    name: str
    bits: int
    scales: int
    low: float
    high: float
    saturation: float
    error: float


@dataclass(frozen=True)
class QuantReport:
    """What a quantization did: its kind, tensors, bytes of all constants before and after.

    `cosines` compare the outputs of nodes that compute in int8 with those of the float model, on calibration samples;
    `floats` are the nodes that stay float, each with the reason.
    """

    kind: str
    tensors: tuple[QuantizedTensor, ...]
    cosines: tuple[tuple[str, float], ...]
    floats: tuple[tuple[str, str], ...]
    bytes_before: int
    bytes_after: int

    def json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "kind": self.kind,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "tensors": [asdict(tensor) for tensor in self.tensors],
            "cosines": dict(self.cosines),
            "floats": dict(self.floats),
        }


@dataclass(frozen=True)
class Report:
    """One conversion besides its bytes. `notes` are (kind, message, node name) in the order they came up.

    `labels` names the inputs that only training reads. `memory` is None where a shape is not known, and for models of
    several graphs.
    """

    source: str
    producer: str
    nodes: int
    constants: int
    size: int
    inputs: tuple[TensorReport, ...]
    outputs: tuple[TensorReport, ...]
    notes: tuple[tuple[str, str, str | None], ...]
    labels: tuple[str, ...] = ()
    memory: MemoryReport | None = None
    quantization: QuantReport | None = None

    def warnings(self) -> list[str]:
        """Notes that a user should see although the conversion succeeded."""
        return [message for kind, message, _ in self.notes if kind == "warning"]

    def json(self) -> dict[str, Any]:
        """JSON-able form; the source is named without its directory, so that reports compare across machines."""
        return {
            "source": self.source,
            "producer": self.producer,
            "nodes": self.nodes,
            "constants": self.constants,
            "size": self.size,
            "inputs": [_tensor(tensor) for tensor in self.inputs],
            "outputs": [_tensor(tensor) for tensor in self.outputs],
            "labels": list(self.labels),
            "memory": None if self.memory is None else asdict(self.memory),
            "quantization": None if self.quantization is None else self.quantization.json(),
            "notes": [{"kind": kind, "message": message, "node": node} for kind, message, node in self.notes],
        }


def _tensor(tensor: TensorReport) -> dict[str, Any]:
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape), "layout": tensor.layout}
