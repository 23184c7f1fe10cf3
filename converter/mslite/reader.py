"""Read a `.ms` file into a LITE model whose constants are views on the mapped file."""

from __future__ import annotations

import mmap
import struct
from math import prod
from typing import TYPE_CHECKING, Any

from converter.encryption import is_encrypted
from converter.errors import ConversionError, fail
from converter.ir import DType, Graph, Layout, MappedTensor, Model, Node, Origin, QuantParam, Stage, TensorType, Value
from converter.ir.editing import wire
from converter.mslite import schema
from converter.mslite.checks import check_file
from converter.ops.encoding import Encoding, decode

if TYPE_CHECKING:
    from pathlib import Path

    from converter.ops.encoding import EncodedTensor

# What the FlatBuffers accessors raise on an offset or size that leads nowhere.
_DAMAGE = (struct.error, IndexError, KeyError, ValueError, OverflowError, TypeError, AttributeError, MemoryError)
_CONSTANT = 0


def read_model(path: Path) -> Model:
    """Map and read one file. Raises `ConversionError` E310 when it is missing, foreign or damaged."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as problem:
        raise fail("E310", f"cannot be read: {problem.strerror}", path=str(path)) from problem
    except ValueError as problem:
        raise fail("E310", "the file is empty", path=str(path)) from problem
    return parse_model(data, str(path))


def parse_model(data: mmap.mmap | bytes, path: str) -> Model:
    """Read a model from a buffer; `path` is for messages."""
    if data[4:8] != schema.IDENTIFIER:
        if is_encrypted(data):
            hint = "the device's runtime decrypts it; look at one that is made without --encryptKey"
            raise fail("E304", "the file is encrypted", path=path, hint=hint)
        raise fail("E310", "not a .ms file: the identifier 'MSL2' is missing", path=path)
    try:
        return _Reader(data, path).model()
    except ConversionError:
        raise
    except _DAMAGE as problem:
        raise fail("E310", f"damaged .ms file ({type(problem).__name__}: {problem})", path=path) from problem


class _Reader:
    """One pass over the tables of a file."""

    def __init__(self, data: mmap.mmap | bytes, path: str) -> None:
        self.data = data
        self.path = path
        self.root = schema.module("MetaGraph").MetaGraph.GetRootAs(data, 0)
        check_file(self.root, path)
        self.values = [self._value(index) for index in range(self.root.AllTensorsLength())]

    def model(self) -> Model:
        """The whole file; a file without subgraphs is one graph."""
        nodes = [self._node(index) for index in range(self.root.NodesLength())]
        graphs = [self._graph(self.root.SubGraph(i), nodes) for i in range(self.root.SubGraphLength())]
        if not graphs:
            graphs = [
                self._wire_graph("main_graph", self.root.InputIndexAsNumpy(), self.root.OutputIndexAsNumpy(), nodes)
            ]
        for node in nodes:
            if node.op == "PartialFusion":
                node.graphs = (self._bound(node, graphs),)
        version = (self.root.Version() or b"").decode("utf-8")
        return Model(graphs, Stage.LITE, self.path, producer=version)

    def _bound(self, node: Node, graphs: list[Graph]) -> Graph:
        """The graph that a PartialFusion names by its number."""
        number = node.attrs.pop("sub_graph_index")
        if not isinstance(number, int) or not 0 < number < len(graphs):
            raise fail("E310", f"binds subgraph {number!r} of {len(graphs)}", path=self.path, node=node.name)
        return graphs[number]

    def _graph(self, subgraph: Any, nodes: list[Node]) -> Graph:  # noqa: ANN401 - generated classes have no types
        members = nodes if subgraph.NodeIndicesIsNone() else [nodes[i] for i in schema.vector(subgraph, "NodeIndices")]
        name = (subgraph.Name() or b"").decode("utf-8")
        inputs, outputs = schema.vector(subgraph, "InputIndices"), schema.vector(subgraph, "OutputIndices")
        return self._wire_graph(name, inputs, outputs, members)

    def _wire_graph(self, name: str, inputs: Any, outputs: Any, nodes: list[Node]) -> Graph:  # noqa: ANN401 - index arrays
        return Graph(name, [self.values[i] for i in inputs], [self.values[i] for i in outputs], list(nodes))

    def _node(self, index: int) -> Node:
        table = self.root.Nodes(index)
        name = (table.Name() or b"").decode("utf-8")
        op, attrs = self._primitive(table.Primitive(), name)
        node = Node(op, name, Origin(self.path, name, op), attrs=attrs, quant_type=table.QuantType())
        inputs = [self.values[i] for i in schema.vector(table, "InputIndex")]
        return wire(node, inputs, [self.values[i] for i in schema.vector(table, "OutputIndex")])

    def _primitive(self, primitive: Any, node: str) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - as above
        if primitive is None or primitive.ValueType() not in schema.PRIMITIVE_NAMES or primitive.ValueType() == 0:
            raise fail(
                "E310", "the node has no operator, or one that this schema does not know", path=self.path, node=node
            )
        op = schema.PRIMITIVE_NAMES[primitive.ValueType()]
        accessor = getattr(schema.module(op), op)()
        union = primitive.Value()
        if union is not None:
            accessor.Init(union.Bytes, union.Pos)
        return op, schema.read_table(op, accessor) if union is not None else schema.defaults(op)

    def _value(self, index: int) -> Value:
        table = self.root.AllTensors(index)
        name = (table.Name() or b"").decode("utf-8") or f"#{index}"
        shape = tuple(schema.vector(table, "Dims").tolist())
        value = Value(name, TensorType(DType(table.DataType()), shape))
        value.layout = Layout(table.Format()) if table.Format() in Layout.__members__.values() else Layout.NCHW
        value.quant = tuple(self._quant(table.QuantParams(i)) for i in range(table.QuantParamsLength()))
        if table.NodeType() == _CONSTANT and (table.DataLength() or prod(shape) == 0):
            is_encoded = bool(table.WeightQuantCompressType())
            value.const = self._encoded(table, value) if is_encoded else self._tensor(table, name, value.type)
        return value

    def _tensor(self, table: Any, name: str, kind: TensorType) -> MappedTensor:  # noqa: ANN401 - as above
        shape = kind.shape or ()
        needed = prod(shape) * kind.dtype.itemsize
        if table.DataLength() < needed:
            raise fail(
                "E310", f"tensor {name!r} has {table.DataLength()} bytes, its shape needs {needed}", path=self.path
            )
        start = table._tab.Vector(table._tab.Offset(16)) if needed else 0  # noqa: SLF001 - the position of the bytes
        if start + needed > len(self.data):
            raise fail("E310", f"the data of tensor {name!r} ends outside the file", path=self.path)
        return MappedTensor(kind.dtype, shape, self.data, int(start))

    def _encoded(self, table: Any, value: Value) -> EncodedTensor:  # noqa: ANN401 - as above
        """A weight in a compressed layout, decoded; its stream stays as it is."""
        encoding = table.WeightQuantCompressType()
        is_integer = value.type.dtype in (DType.INT8, DType.INT16) and bool(value.quant)
        is_coded = encoding == Encoding.FSE and value.type.dtype is DType.FLOAT32
        if encoding not in Encoding.__members__.values() or not (is_integer or is_coded):
            message = f"tensor {value.name!r} is stored compressed in a way that this reader does not know"
            raise fail("E310", message, path=self.path)
        stream = schema.vector(table, "Data").tobytes()
        zero_points = [each.zero_point for each in value.quant]
        bits = value.quant[0].bits if value.quant else 0
        return decode(stream, Encoding(encoding), value.type.shape or (), zero_points, bits)

    @staticmethod
    def _quant(table: Any) -> QuantParam:  # noqa: ANN401 - as above
        return QuantParam(table.Scale(), table.ZeroPoint(), table.NumBits(), table.VarCorr(), table.MeanCorr())
