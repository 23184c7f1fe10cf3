"""The kind of quantization that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import fail
from converter.ops.lite_ops import OPTIMIZERS
from converter.options import DYNAMIC_QUANT, FULL_QUANT, WEIGHT_QUANT
from converter.quantize.dynamic import quantize_dynamically
from converter.quantize.full import quantize_fully
from converter.quantize.weights import quantize_weights

if TYPE_CHECKING:
    from converter.ir import Model
    from converter.options import QuantOptions
    from converter.quantize.calibrate import Progress


def quantize(model: Model, options: QuantOptions, progress: Progress | None = None) -> None:
    """Quantize in place. Raises `ConversionError` E401 for what cannot be quantized, and what each kind raises."""
    trains = any(node.op in OPTIMIZERS for graph in model.graphs for node in graph.nodes)
    if trains and options.quant_type != WEIGHT_QUANT:
        message = f"quant_type={options.quant_type} is for inference: training kernels compute in float"
        raise fail("E401", message, path=model.path, hint="use quant_type=WEIGHT_QUANT, or --trainModel=false")
    if options.quant_type == FULL_QUANT:
        quantize_fully(model, options, progress)
    elif options.quant_type == DYNAMIC_QUANT:
        quantize_dynamically(model, options)
    else:
        quantize_weights(model, options)
