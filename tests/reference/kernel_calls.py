"""One kernel at a time, on arrays; and graphs of a few nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import ArrayTensor, DType, Graph, Layout, Model, Node, Origin, Stage, TensorType, Value
from converter.ir.editing import wire
from converter.mslite.schema import defaults
from converter.reference.call import Call
from converter.reference.kernels import KERNELS

if TYPE_CHECKING:
    from converter.reference.call import Array

PATH = "model.ms"


def constant(name: str, values: Array, layout: Layout = Layout.NCHW) -> Value:
    """A constant of a graph."""
    tensor = ArrayTensor.of(np.ascontiguousarray(values))
    return Value(name, tensor.type, const=tensor, layout=layout)


def variable(name: str, shape: tuple[int, ...], dtype: DType = DType.FLOAT32, layout: Layout = Layout.NHWC) -> Value:
    """A graph input, or the output of a node."""
    return Value(name, TensorType(dtype, shape), layout=layout)


def node(op: str, name: str, inputs: list[Value], outputs: list[Value], **attrs: Any) -> Node:  # noqa: ANN401 - schema fields
    """A wired node with the schema's defaults."""
    made = Node(op, name, Origin(PATH, name, op), attrs={**defaults(op), **attrs})
    return wire(made, inputs, outputs)


def model(inputs: list[Value], outputs: list[Value], nodes: list[Node]) -> Model:
    """A model with one graph."""
    return Model([Graph("main", inputs, outputs, nodes)], Stage.LITE, PATH)


def call(op: str, *arrays: Array, outputs: int = 1, is_constant: tuple[int, ...] = (), **attrs: Any) -> Call:  # noqa: ANN401 - schema fields
    """A call of a kernel on these inputs, of which those at the positions `is_constant` are constants."""
    values = [
        constant(f"c{i}", array, Layout.NHWC)
        if i in is_constant
        else variable(f"v{i}", array.shape, DType.of(array.dtype))
        for i, array in enumerate(arrays)
    ]
    results = [variable(f"o{i}", ()) for i in range(outputs)]
    made = node(op, f"a/{op}", values, results, **attrs)
    initial = {i: arrays[i] for i in is_constant}
    return Call(made, arrays, initial)


def compute(op: str, *arrays: Array, **settings: Any) -> Array:  # noqa: ANN401 - as `call`
    """The first output of a kernel."""
    made = call(op, *arrays, **settings)
    result = KERNELS[op](made)[0]
    assert result is not None
    return result


def numbers(*shape: int, seed: int = 0) -> Array:
    """Repeatable float32 numbers around zero."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
