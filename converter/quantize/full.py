"""FULL_QUANT: calibrate the float model, choose scales, turn weights, biases and activations into integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems, fail
from converter.ir import ArrayTensor, DType, Note, QuantParam, TensorType, Value
from converter.ir.editing import set_input, wire
from converter.ops.channels import channel_axis
from converter.quantize.arithmetic import ASYMMETRIC, scale_of
from converter.quantize.bias import Layer, mean_shifts
from converter.quantize.borders import cast_at_borders
from converter.quantize.calibrate import Calibration
from converter.quantize.int8_policy import NO_ACTIVATION, QUANT_ALL, Plan, plan_int8
from converter.quantize.int8_weights import Int8Weight, int8_weight, int32_bias
from converter.quantize.ranges import find_ranges
from converter.quantize.samples import check_calibratable, find_samples
from converter.quantize.store import Store
from converter.quantize.twin import twin_of
from converter.quantize.unfuse import unfuse_activations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.ir import Model, Node
    from converter.options import QuantOptions
    from converter.quantize.calibrate import Progress
    from converter.quantize.samples import Sample

    Array = np.ndarray[Any, np.dtype[Any]]

_WEIGHT, _BIAS = 1, 2


@dataclass
class Outcome:
    """What a report needs besides the quantized model: the float one, nodes that stay float and why, samples."""

    twin: Model
    floats: list[tuple[str, str]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


@dataclass
class _Layer:
    """An int8 node and its constants on their way."""

    node: Node
    weight: Int8Weight | None
    bias: Array | None
    input_scale: float

    @property
    def weight_params(self) -> tuple[QuantParam, ...]:
        """Scales of the weight; one of 1 where the scale of a computed weight is in `input_scale`."""
        return (QuantParam(1.0, 0),) if self.weight is None else self.weight.params


def quantize_fully(model: Model, options: QuantOptions, progress: Progress | None = None) -> Outcome:
    """Make the graph compute in int8 where the device can; what it was compared with, what stays float, and samples.

    Raises `ConversionError` E401 for calibration data that do not fit and for weights or activations that are not
    finite, E120 when the workspace cannot be written.
    """
    if options.calibration is None:
        raise fail("E401", "FULL_QUANT needs calibration data", path=model.path)
    if len(model.graphs) > 1:
        raise fail("E401", "FULL_QUANT needs a model without control flow", path=model.path)
    check_calibratable(model.main, model.path)
    unfuse_activations(model.main)
    plan = plan_int8(model.main, options)
    outcome = Outcome(twin_of(model), [(node.name, reason) for node, reason in plan.islands])
    if not plan.computes:
        model.notes.append(Note("warning", "no node of this model can compute in int8: nothing was quantized"))
        return outcome
    check_weights(model, plan)
    samples = find_samples(model, options.calibration)
    calibration = Calibration(model, samples, Store(options.workspace, model), progress)
    ranges = find_ranges(calibration, plan.observed(), options.activation_method)
    params = {key: scale_of(low, high, ASYMMETRIC) for key, (low, high) in ranges.items()}
    for node in plan.carriers:
        params[id(node.outputs[0])] = params[id(node.inputs[0])]
    layers = [layer_of(node, params, options) for node in plan.computes]
    if options.bias_correction:
        _correct(calibration, layers, params, options)
    for layer in layers:
        apply_layer(layer)
    for node in (*plan.computes, *plan.carriers):
        node.quant_type = QUANT_ALL
    cast_at_borders(model.main, (*plan.computes, *plan.carriers), params)
    outcome.samples = samples
    return outcome


def check_weights(model: Model, plan: Plan) -> None:
    """Constants with NaN or infinity have no scale."""
    problems = Problems()
    for node in plan.computes:
        for value in node.inputs:
            if value.const is not None and not np.isfinite(value.const.array()).all():
                message = f"weight {value.name!r} holds NaN or infinity, so it has no scale"
                problems.add(Problem("E401", message, path=model.path, node=node.name, op=node.op))
    problems.raise_if_any()


def layer_of(node: Node, params: Mapping[int, QuantParam], options: QuantOptions) -> _Layer:
    """Quantize the weight; the bias waits for its correction."""
    scale = params[id(node.inputs[0])].scale
    constant = node.inputs[_WEIGHT].const
    bias = node.inputs[_BIAS].const if len(node.inputs) > _BIAS else None
    numbers = None if bias is None else bias.array().astype(np.float32)
    if constant is None:
        return _Layer(node, None, numbers, scale * params[id(node.inputs[_WEIGHT])].scale)
    axis = channel_axis(node, node.inputs[_WEIGHT]) if options.per_channel else None
    return _Layer(node, int8_weight(constant.array(), axis, numbers, scale), numbers, scale)


def _correct(
    calibration: Calibration, layers: list[_Layer], params: Mapping[int, QuantParam], options: QuantOptions
) -> None:
    """Add to each bias what int8 takes from the mean; a convolution without a bias gets one.

    As officially, only convolutions: a product of matrices has too few results per sample for its mean to say much.
    """
    corrected = [layer for layer in layers if layer.node.op == "Conv2DFusion"]
    if not corrected:
        return
    described = [Layer(layer.node, _constants(layer), _channels(layer)) for layer in corrected]
    key = repr((options.per_channel, options.activation_method, [params[id(v)] for v in _observed(corrected)]))
    for layer, shift in zip(corrected, mean_shifts(calibration, described, params, key.encode()), strict=True):
        layer.bias = shift if layer.bias is None else layer.bias + shift


def _observed(layers: list[_Layer]) -> list[Value]:
    return [value for layer in layers for value in (layer.node.inputs[0], layer.node.outputs[0])]


def _channels(layer: _Layer) -> int:
    """Channels stand last in an output, whether of a convolution or of a product."""
    return int((layer.node.outputs[0].type.shape or (1,))[-1])


def _constants(layer: _Layer) -> dict[int, Array]:
    """The constants as the device will have them."""
    if layer.weight is None:
        return {}
    found = {_WEIGHT: layer.weight.real()}
    if layer.bias is not None:
        levels, params = int32_bias(layer.bias, layer.weight_params, layer.input_scale)
        found[_BIAS] = (levels * np.array([param.scale for param in params])).astype(np.float32)
    return found


def apply_layer(layer: _Layer) -> None:
    """Give the node integer constants of its own; a float reader elsewhere keeps the old ones."""
    node = layer.node
    if node.op == "MatMulFusion":
        # The int8 kernel has no activation; a bound of the range is the lowest or the highest level, which clips.
        node.attrs["activation_type"] = NO_ACTIVATION
    if layer.weight is not None:
        set_input(node, _WEIGHT, _constant(node.inputs[_WEIGHT], layer.weight.levels, layer.weight.params))
    if layer.bias is None:
        return
    levels, params = int32_bias(layer.bias, layer.weight_params, layer.input_scale)
    if len(node.inputs) > _BIAS:
        set_input(node, _BIAS, _constant(node.inputs[_BIAS], levels, params))
        return
    new = Value(f"{node.name}_bias", TensorType(DType.INT32, tuple(levels.shape)), const=ArrayTensor.of(levels))
    new.quant = params
    wire(node, [*node.inputs, new])


def _constant(old: Value, levels: Array, params: tuple[QuantParam, ...]) -> Value:
    """A constant in the place of another, which may still have other readers."""
    name = old.name if len(old.users) == 1 else f"{old.name}_{len(old.users)}"
    new = Value(name, TensorType(DType.of(levels.dtype), old.type.shape), const=ArrayTensor.of(levels))
    new.layout, new.quant = old.layout, params
    return new
