"""Quantization-aware training: nodes between activations whose scales were trained compute in int8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType
from converter.options import QuantOptions
from converter.quantize.borders import cast_at_borders
from converter.quantize.full import Outcome, apply_layer, check_weights, layer_of
from converter.quantize.int8_policy import CARRIERS, QUANT_ALL, Plan, activations, plan_int8
from converter.quantize.judge import judged
from converter.quantize.twin import twin_of

if TYPE_CHECKING:
    from converter.ir import Graph, Model, QuantParam, Value
    from converter.report import QuantReport

_NO_SCALE = "no scale was trained for what it reads or writes"


def quantize_as_trained(model: Model) -> QuantReport:
    """Compute in int8 with the trained scales. Raises `ConversionError` E401 for weights that are not finite."""
    graph = model.main
    params = _propagated(graph)
    outcome = Outcome(twin_of(model))
    plan = _with_scales(plan_int8(graph, QuantOptions()), params)
    check_weights(model, plan)
    for layer in [layer_of(node, params, QuantOptions()) for node in plan.computes]:
        apply_layer(layer)
    for value in (each for node in graph.nodes for each in node.outputs):
        value.quant = ()
    nodes = (*plan.computes, *plan.carriers)
    for node in nodes:
        node.quant_type = QUANT_ALL
    cast_at_borders(graph, nodes, params)
    return judged("QUANT_AWARE", model, outcome.twin, [(node.name, why) for node, why in plan.islands], [])


def _is_scaled(value: Value) -> bool:
    return bool(value.quant) and value.const is None and value.type.dtype is DType.FLOAT32


def _propagated(graph: Graph) -> dict[int, QuantParam]:
    """Scales by value; what only moves numbers passes its scale on."""
    params: dict[int, QuantParam] = {}
    for node in graph.nodes:
        for value in (*node.inputs, *node.outputs):
            if _is_scaled(value):
                params[id(value)] = value.quant[0]
        if node.op in CARRIERS and id(node.inputs[0]) in params:
            params.setdefault(id(node.outputs[0]), params[id(node.inputs[0])])
    return params


def _with_scales(plan: Plan, params: dict[int, QuantParam]) -> Plan:
    """The plan without nodes that lack a scale."""
    kept = Plan(islands=list(plan.islands))
    for node in plan.computes:
        if all(id(value) in params for value in (*activations(node), node.outputs[0])):
            kept.computes.append(node)
        else:
            kept.islands.append((node, _NO_SCALE))
    made = {id(node.outputs[0]) for node in kept.computes}
    for node in plan.carriers:
        if id(node.inputs[0]) in made and id(node.outputs[0]) in params:
            kept.carriers.append(node)
            made.add(id(node.outputs[0]))
        else:
            kept.islands.append((node, _NO_SCALE))
    return kept
