"""Write a LITE model as a `.ms` file; constants go from the input to the output without passing the builder.

FlatBuffers refer forward by unsigned 32-bit offsets, so the tables are built first, with every `Tensor.data` referring
to one empty vector; the vectors of bytes follow behind the tables, each aligned, and the references are patched.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter._generated.ms_fields import TABLES
from converter.errors import Problem, Problems, fail
from converter.mslite.tables import TableWriter
from converter.ops.encoding import EncodedTensor
from converter.ops.lite_ops import LITE_OPS
from converter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from converter.ir import Graph, Model, Node, Tensor, Value

FMK_MINDSPORE = 3
# The format that is written. The device compares the last five characters of it with "1.3.0".
VERSION = "MindSpore Lite 2.0.0"
MAKER = f"mslite-scons {__version__}"
_CONSTANT, _COMPUTED = 0, 2
_IDENTIFIER = b"MSL2"
_DATA_SLOT = 16  # vtable offset of Tensor.data
_DATA_ALIGNMENT = 16
_LIMIT = (1 << 31) - 1  # what the device can copy into memory


@dataclass(frozen=True)
class Layout:
    """A file ready to be written: the tables, and where each constant's vector starts."""

    tables: bytes
    constants: tuple[tuple[int, Tensor], ...]
    size: int

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The file's bytes in order."""
        for part in self._parts():
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.chunks()

    def write(self, file: BinaryIO) -> None:
        """Stream the file. Raises `OSError`, and `ConversionError` E301 when a weight cannot be read."""
        for part in self._parts():
            if isinstance(part, bytes):
                file.write(part)
            else:
                part.write_to(file)

    def _parts(self) -> Iterator[bytes | Tensor]:
        """Tables, then every constant behind its gap and length."""
        yield self.tables
        position = len(self.tables)
        for start, tensor in self.constants:
            yield bytes(start - position) + struct.pack("<I", tensor.nbytes)
            yield tensor
            position = start + 4 + tensor.nbytes
        yield bytes(self.size - position)


def lay_out(model: Model) -> Layout:
    """Build the tables and place the constants.

    Raises `ConversionError` E901 for an operator or attribute without a place in the schema, E208 above 2 GiB.
    """
    return _Writer(model).layout()


class _Writer:
    """Builds one file."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.builder = TableWriter()
        self.values: dict[int, int] = {}
        self.order: list[Value] = []
        self.graphs = {id(graph): index for index, graph in enumerate(model.graphs)}
        for graph in model.graphs:
            for value in graph_values(graph):
                if id(value) not in self.values:
                    self.values[id(value)] = len(self.order)
                    self.order.append(value)

    def layout(self) -> Layout:
        """Tables, then positions, then patches."""
        _check_schema(self.model)
        _check_dimensions(self.order, self.model.path)
        tables, tensors = self._tables()
        position = _aligned(len(tables), _DATA_ALIGNMENT)
        constants: list[tuple[int, Tensor]] = []
        for index, value in enumerate(self.order):
            if value.const is None:
                continue
            # The length word comes first; the bytes behind it are what must be aligned.
            start = _aligned(position + 4, _DATA_ALIGNMENT) - 4
            constants.append((start, value.const))
            _refer(tables, len(tables) - tensors[index], start)
            position = start + 4 + value.const.nbytes
        size = _aligned(position, 8)
        if size > _LIMIT:
            message = f"the .ms file would have {size} bytes; the device reads at most {_LIMIT}"
            raise fail("E208", message, path=self.model.path, hint="quantize the weights, or split the network")
        return Layout(bytes(tables), tuple(constants), size)

    def _tables(self) -> tuple[bytearray, list[int]]:
        """Everything but the bytes of constants, and the offsets of the tensors' tables."""
        builder = self.builder
        empty = builder.numbers("ubyte", b"")
        tensors = [self._tensor(value, empty) for value in self.order]
        all_nodes = [node for graph in self.model.graphs for node in graph.nodes]
        nodes = [self._node(node) for node in all_nodes]
        numbers = {id(node): index for index, node in enumerate(all_nodes)}
        graphs = [self._subgraph(i, graph, numbers) for i, graph in enumerate(self.model.graphs)]
        main = self.model.main
        root = builder.table(
            "MetaGraph",
            {
                "name": MAKER,
                "version": VERSION,
                "fmkType": FMK_MINDSPORE,
                "inputIndex": self._indices(main.inputs),
                "outputIndex": self._indices(main.outputs),
                "nodes": builder.references(nodes),
                "allTensors": builder.references(tensors),
                "subGraph": builder.references(graphs),
            },
        )
        return bytearray(builder.finish(root, _IDENTIFIER)), tensors

    def _indices(self, values: list[Value] | tuple[Value, ...]) -> list[int]:
        return [self.values[id(value)] for value in values]

    def _tensor(self, value: Value, empty: int) -> int:
        """A tensor table; `empty` stands for the bytes of a constant until they have a place."""
        quant = [
            self.builder.table(
                "QuantParam",
                {
                    "scale": q.scale,
                    "zeroPoint": q.zero_point,
                    "numBits": q.bits,
                    "varCorr": q.var_corr,
                    "meanCorr": q.mean_corr,
                },
            )
            for q in value.quant
        ]
        fields = {
            "nodeType": _CONSTANT if value.const is not None else _COMPUTED,
            "dataType": int(value.type.dtype),
            "dims": list(value.type.shape or ()),
            "format": int(value.layout),
            "data": empty if value.const is not None else None,
            "quantParams": self.builder.references(quant) if quant else None,
            "name": value.name,
            "weightQuantCompressType": int(value.const.encoding) if isinstance(value.const, EncodedTensor) else 0,
        }
        return self.builder.table("Tensor", fields)

    def _node(self, node: Node) -> int:
        """A node table with its primitive."""
        attrs = {name: value for name, value in node.attrs.items() if value is not None}
        if node.graphs:
            attrs["sub_graph_index"] = self.graphs[id(node.graphs[0])]
        primitive = self.builder.primitive(node.op, attrs)
        fields = {
            "name": node.name,
            "primitive": primitive,
            "inputIndex": self._indices(node.inputs),
            "outputIndex": self._indices(node.outputs),
            "quantType": node.quant_type,
        }
        return self.builder.table("CNode", fields)

    def _subgraph(self, index: int, graph: Graph, numbers: dict[int, int]) -> int:
        """A subgraph table."""
        fields = {
            "name": f"subgraph_{index}_{'main_graph' if index == 0 else graph.name}",
            "inputIndices": self._indices(graph.inputs),
            "outputIndices": self._indices(graph.outputs),
            "nodeIndices": [numbers[id(node)] for node in graph.nodes],
            "tensorIndices": sorted(set(self._indices(graph_values(graph)))),
        }
        return self.builder.table("SubGraph", fields)


def _refer(tables: bytearray, table: int, start: int) -> None:
    """Let the tensor whose table stands at `table` refer to its bytes, which lie behind the tables."""
    (back,) = struct.unpack_from("<i", tables, table)
    (field,) = struct.unpack_from("<H", tables, table - back + _DATA_SLOT)
    struct.pack_into("<I", tables, table + field, start - table - field)


def graph_values(graph: Graph) -> list[Value]:
    """Tensors of a graph in file order: inputs, then per node its outputs and what it reads for the first time."""
    values = [*graph.inputs]
    for node in graph.nodes:
        values += [*node.outputs, *node.inputs]
    return list({id(value): value for value in [*values, *graph.outputs]}.values())


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _check_dimensions(values: list[Value], path: str | None) -> None:
    """The format counts in 32 bits."""
    problems = Problems()
    for value in values:
        if any(dim > _LIMIT for dim in value.type.shape or ()):
            problems.add(Problem("E204", f"tensor {value.name!r} has the type {value.type}: too large", path=path))
    problems.raise_if_any()


def _check_schema(model: Model) -> None:
    """Every operator and attribute must have a place; a miss is a defect of ours."""
    problems = Problems()
    for graph in model.graphs:
        for node in graph.nodes:
            known = TABLES.get(node.op)
            wrong = [name for name in node.attrs if known is None or name not in known]
            if known is None or node.op not in LITE_OPS or wrong:
                message = f"{node.op} has no place in the .ms schema" + (f" for {', '.join(wrong)}" if wrong else "")
                problems.add(Problem("E901", message, node=node.name, hint="please report this with the model"))
    problems.raise_if_any()
