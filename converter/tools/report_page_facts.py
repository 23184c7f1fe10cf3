"""What the report page shows of a model: sizes by layer, graph, memory, quantization error. JSON-able, all in bytes."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from converter import api
from converter.errors import ConversionError
from converter.ir import DType
from converter.mslite.reader import read_model
from converter.ops.lite_ops import OPTIMIZERS
from converter.options import ConvertOptions
from converter.reference.constants import constant_array, dequantize
from converter.reference.memory import plan_memory, size_of
from converter.reference.roles import is_gradient

if TYPE_CHECKING:
    from pathlib import Path

    from converter.ir import Graph, Model, Node, Value

OTHER = "(no layer)"


def facts_of(name: str, record: dict[str, Any], top: Path) -> dict[str, Any]:
    """Return the facts about the `.ms` file `name` below `top`. Raises `ConversionError` E310 for a damaged one."""
    model = read_model(top / name)
    graph = model.main
    return {
        "name": name,
        "record": record,
        "operators": dict(sorted(Counter(node.op for node in graph.nodes).items())),
        "tensors": _tensors(model),
        "graph": _graph(graph),
        "memory": _memory(graph),
        "quantized": _quantized(model, record, top),
        "notes": record.get("notes", []),
    }


def role_of(node: Node) -> str:
    """Return which part of a step a node belongs to."""
    if node.op in OPTIMIZERS or "/optimizer-" in node.name:
        return "update"
    return "backward" if is_gradient(node) else "forward"


def short_name(node: Node) -> str:
    """Return the user's part of a node's name: `conv1` of `Default/conv1-Conv2d/Conv2D-op5`."""
    parts = [part.split("-")[0].lstrip("_") for part in node.name.split("/")[:-1]]
    kept = [part for part in parts if part not in {"Default", "Gradients", "network", "backbone"}]
    return "/".join(kept[-2:]) or node.name.rpartition("/")[2]


def _tensors(model: Model) -> list[dict[str, Any]]:
    """Every constant with its bytes in the file, by layer, in order of first use."""
    found: list[dict[str, Any]] = []
    for graph in model.graphs:
        trained = {node.inputs[0].name for node in graph.nodes if node.op in OPTIMIZERS}
        for value in graph.constants():
            if value.const is None:
                continue
            layer, kind = _layer_and_kind(value, trained)
            stored = "8 bits" if value.quant else value.type.dtype.name.lower()
            found.append(
                {"name": value.name, "layer": layer, "kind": kind, "bytes": value.const.nbytes, "type": stored}
                | {"shape": list(value.type.shape or ())}
            )
    return found


def _layer_and_kind(value: Value, trained: set[str]) -> tuple[str, str]:
    """An optimizer's variable `moment1.conv1.weight` belongs to the layer of its weight."""
    if value.name in trained:
        return value.name.rpartition(".")[0] or value.name, "trained"
    owners = [weight for weight in trained if value.name.endswith(f".{weight}")]
    if owners:
        owner = max(owners, key=len)
        return owner.rpartition(".")[0] or owner, "slot"
    layer = value.name.rpartition(".")[0]
    return (layer, "fixed") if layer and "/" not in layer else (OTHER, "fixed")


def _graph(graph: Graph) -> dict[str, Any]:
    """Nodes with what they read: places of nodes before them; -1 is an input of the graph."""
    places = {id(node): place for place, node in enumerate(graph.nodes)}
    inputs = {id(value) for value in graph.inputs}
    nodes = []
    for node in graph.nodes:
        reads = {places[id(value.producer)] for value in node.inputs if value.producer is not None}
        reads |= {-1 for value in node.inputs if id(value) in inputs}
        made = ", ".join(str(value.type) for value in node.outputs)
        nodes.append(
            {"op": node.op, "name": node.name, "short": short_name(node), "role": role_of(node)}
            | {"reads": sorted(reads), "makes": made}
        )
    return {"nodes": nodes, "inputs": [value.name for value in graph.inputs]}


def _memory(graph: Graph) -> dict[str, Any] | None:
    """The plan of the main graph; None where a shape is not known."""
    try:
        plan = plan_memory(graph)
    except ValueError:
        return None
    steps = [
        {"op": step.node.op, "short": short_name(step.node), "name": step.node.name}
        | {"role": role_of(step.node), "made": step.made, "alive": step.alive}
        for step in plan.steps
    ]
    fixed = {"weights": plan.weights, "slots": plan.slots, "constants": plan.constants, "inputs": plan.inputs}
    return {**fixed, "steps": steps}


def _quantized(model: Model, record: dict[str, Any], top: Path) -> list[dict[str, Any]]:
    """What quantization did to each weight, measured against the model converted without it; worst first."""
    values = {value.name: value for graph in model.graphs for value in graph.constants() if value.quant}
    options = record.get("options")
    if not values or not options or not options.get("quant"):
        return []
    try:
        plain = api.convert(top / record["model"], replace(ConvertOptions.from_canonical(options), quant=None)).model
    except (ConversionError, OSError):
        # The source is not here any more: the page says nothing rather than something else.
        return []
    exact = {value.name: value.const.array() for graph in plain.graphs for value in graph.constants() if value.const}
    rows = [_error_of(value, model, exact[name]) for name, value in values.items() if name in exact]
    return sorted((row for row in rows if row is not None), key=lambda row: (row["decibels"], row["name"]))


def _restored(value: Value, model: Model) -> np.ndarray[Any, Any]:
    """The numbers that stored integers stand for; biases of quantized layers too, which the device never restores."""
    if value.const is not None and value.type.dtype is DType.INT32:
        return dequantize(value.const.array(), value.quant, 0)
    return constant_array(value, model)


def _error_of(value: Value, model: Model, exact: np.ndarray[Any, Any]) -> dict[str, Any] | None:
    restored = _restored(value, model)
    if restored.shape != exact.shape or value.const is None:
        return None
    wanted = exact.astype(np.float64)
    error = restored.astype(np.float64) - wanted
    noise, signal = float((error**2).mean()), float((wanted**2).mean())
    return {
        "name": value.name,
        "bits": value.quant[0].bits,
        "scales": len(value.quant),
        "elements": value.type.size,
        "saved": size_of(value) - value.const.nbytes,
        "largest": float(np.abs(error).max()),
        "typical": math.sqrt(noise),
        # A weight that is restored exactly has no noise: more decibels than any chart shows.
        "decibels": 10 * math.log10(signal / noise) if noise and signal else 999.0,
    }
