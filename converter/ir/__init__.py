"""The intermediate representation: one `Model` type from the first byte read to the last byte written."""

from converter.ir.graph import Attr, Graph, Interface, Literal, Model, Node, Note, Stage, Value
from converter.ir.origin import Origin
from converter.ir.tensor import ArrayTensor, FileTensor, FilledTensor, MappedTensor, Tensor, TransposedTensor
from converter.ir.types import DType, Layout, QuantParam, TensorType

__all__ = [
    "ArrayTensor",
    "Attr",
    "DType",
    "FileTensor",
    "FilledTensor",
    "Graph",
    "Interface",
    "Layout",
    "Literal",
    "MappedTensor",
    "Model",
    "Node",
    "Note",
    "Origin",
    "QuantParam",
    "Stage",
    "Tensor",
    "TensorType",
    "TransposedTensor",
    "Value",
]
