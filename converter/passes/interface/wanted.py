"""What the options say about inputs and outputs, and what the MindIR does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import DType, Interface, Layout

if TYPE_CHECKING:
    from converter.ir import Model, Value
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


def interface_of(options: ConvertOptions, model: Model) -> Interface:
    """In the words of the IR; the outputs of an inference model are named as the official converter names them."""
    return Interface(
        shapes=dict(options.input_shapes),
        input_layout=Layout[options.input_layout],
        output_layout=Layout[options.output_layout],
        input_type=_TYPES[options.input_type],
        output_type=_TYPES[options.output_type],
        output_names=() if options.train else tuple(map(_official_name, model.main.outputs)),
    )


def _official_name(value: Value) -> str:
    """After the node that makes the output, with its place where the node makes several."""
    node = value.producer
    if node is None or len(node.outputs) == 1:
        return value.name if node is None else node.name
    place = next(index for index, each in enumerate(node.outputs) if each is value)
    return f"{node.name}_{place}"
