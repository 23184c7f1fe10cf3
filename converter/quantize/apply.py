"""The kind of quantization that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import fail
from converter.ops.lite_ops import OPTIMIZERS
from converter.options import DYNAMIC_QUANT, FULL_QUANT, WEIGHT_QUANT
from converter.quantize.debug_files import write_debug_files
from converter.quantize.dynamic import quantize_dynamically
from converter.quantize.full import Outcome, quantize_fully
from converter.quantize.judge import JUDGED_SAMPLES, Runs, judged
from converter.quantize.mixed import quantize_mixed
from converter.quantize.tune import tuned_scale
from converter.quantize.twin import twin_of
from converter.quantize.weights import quantize_weights

if TYPE_CHECKING:
    from converter.ir import Model
    from converter.options import QuantOptions
    from converter.quantize.calibrate import Progress
    from converter.quantize.judge import Comparison
    from converter.report import QuantReport


def quantize(model: Model, options: QuantOptions, progress: Progress | None = None) -> QuantReport:
    """Quantize in place and say what that did.

    Raises `ConversionError` E401 for what cannot be quantized, E120 where the workspace or the debug files cannot be
    written, and what each kind raises.
    """
    trains = any(node.op in OPTIMIZERS for graph in model.graphs for node in graph.nodes)
    if trains and options.quant_type != WEIGHT_QUANT:
        message = f"quant_type={options.quant_type} is for inference: training kernels compute in float"
        raise fail("E401", message, path=model.path, hint="use quant_type=WEIGHT_QUANT, or --trainModel=false")
    outcome = _quantized(model, options, progress)
    runs = _runs(model, outcome, progress)
    if options.debug_path:
        write_debug_files(Path(options.debug_path), model, runs)
    return judged(options.quant_type, model, outcome.twin, outcome.floats, runs)


def _quantized(model: Model, options: QuantOptions, progress: Progress | None) -> Outcome:
    if options.quant_type == FULL_QUANT:
        return quantize_fully(model, options, progress)
    outcome = Outcome(twin_of(model))
    if options.quant_type == DYNAMIC_QUANT:
        quantize_dynamically(model, options)
    elif not options.bit_num:
        quantize_mixed(model, options, tuned_scale(model, options) if options.auto_tune else options.init_scale)
    else:
        quantize_weights(model, options)
    return outcome


def _runs(model: Model, outcome: Outcome, progress: Progress | None) -> list[list[Comparison]]:
    """Both models on the first samples, side by side."""
    samples = outcome.samples[:JUDGED_SAMPLES]
    if not samples:
        return []
    both = Runs(model, outcome.twin)
    found: list[list[Comparison]] = []
    for sample in samples:
        found.append(both.compare(sample))
        if progress is not None:
            progress("compare", len(found), len(samples))
    return found
