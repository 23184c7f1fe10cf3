"""What the options say about inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType, Interface, Layout

if TYPE_CHECKING:
    from converter.options import ConvertOptions

_TYPES = {
    "DEFAULT": None,
    "FLOAT": DType.FLOAT32,
    "FLOAT16": DType.FLOAT16,
    "INT8": DType.INT8,
    "UINT8": DType.UINT8,
    "INT32": DType.INT32,
    "INT64": DType.INT64,
}


def interface_of(options: ConvertOptions) -> Interface:
    """In the words of the IR."""
    return Interface(
        shapes=dict(options.input_shapes),
        input_layout=Layout[options.input_layout],
        output_layout=Layout[options.output_layout],
        input_type=_TYPES[options.input_type],
        output_type=_TYPES[options.output_type],
    )
