"""The kind of quantization that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.options import FULL_QUANT
from converter.quantize.full import quantize_fully
from converter.quantize.weights import quantize_weights

if TYPE_CHECKING:
    from converter.ir import Model
    from converter.options import QuantOptions
    from converter.quantize.calibrate import Progress


def quantize(model: Model, options: QuantOptions, progress: Progress | None = None) -> None:
    """Quantize in place. Raises `ConversionError` E401 for what cannot be quantized, and what each kind raises."""
    if options.quant_type == FULL_QUANT:
        quantize_fully(model, options, progress)
    else:
        quantize_weights(model, options)
