"""Model, graphs, nodes and values. Wiring changes go through `converter.ir.editing`, so use lists cannot drift."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from converter.ir.types import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.ir.input_file import InputFile
    from converter.ir.origin import Origin
    from converter.ir.tensor import Tensor
    from converter.ir.types import DType, QuantParam, TensorType

# A string, because the union refers to itself.
Attr: TypeAlias = "bool | int | float | str | bytes | tuple[Attr, ...] | None"


class Stage(Enum):
    """Which vocabulary the nodes of a model speak."""

    SOURCE = auto()
    LITE = auto()
    QUANTIZED = auto()


@dataclass(eq=False)
class Value:
    """A tensor in a graph, compared by identity.

    It is made by `producer`, or a constant (`const`, or `literal` for an argument that is no tensor, in SOURCE models
    only), or a graph input. `layout` is the order of the axes that `Tensor.format` of a `.ms` file names.
    """

    name: str
    type: TensorType
    producer: Node | None = None
    const: Tensor | None = None
    literal: Literal | None = None
    layout: Layout = Layout.NCHW
    quant: tuple[QuantParam, ...] = ()
    users: list[Node] = field(default_factory=list, repr=False)

    @property
    def is_const(self) -> bool:
        """Whether the value is known before the graph runs."""
        return self.const is not None or self.literal is not None


@dataclass(frozen=True)
class Literal:
    """A constant argument that is not a tensor: number, string, tuple, None or element type."""

    value: Attr


@dataclass(eq=False)
class Node:
    """An operator call. `after` are nodes whose side effects must come first; data edges are not repeated there."""

    op: str
    name: str
    origin: Origin
    inputs: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()
    attrs: dict[str, Attr] = field(default_factory=dict)
    after: tuple[Node, ...] = ()
    graphs: tuple[Graph, ...] = ()
    quant_type: int = 0

    def __repr__(self) -> str:
        """Short, since nodes refer to each other."""
        return f"<{self.op} {self.name}>"


@dataclass(eq=False)
class Graph:
    """Nodes in topological order, with ordered inputs and outputs."""

    name: str
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def __repr__(self) -> str:
        """Short, since graphs refer to each other."""
        return f"<Graph {self.name}: {len(self.nodes)} nodes>"

    def constants(self) -> list[Value]:
        """Constant tensors in the order of their first use."""
        seen: dict[int, Value] = {}
        for node in self.nodes:
            for value in node.inputs:
                if value.const is not None:
                    seen.setdefault(id(value), value)
        for value in self.outputs:
            if value.const is not None:
                seen.setdefault(id(value), value)
        return list(seen.values())


@dataclass(frozen=True)
class Note:
    """Something that the conversion changed, left out or wants the user to know. `kind` groups them in the report."""

    kind: str
    message: str
    node: str | None = None


@dataclass(frozen=True)
class Interface:
    """What inputs and outputs of a file are to be like.

    `shapes` are dimensions of inputs, by name, in the axes of the MindIR; layouts are of images. A type goes for the
    values whose own type is of its kind; None leaves all as they are. `output_names` are those that a program asks for,
    whatever makes the outputs in the end; empty where the nodes' own names count.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    input_layout: Layout = Layout.NHWC
    output_layout: Layout = Layout.NCHW
    input_type: DType | None = None
    output_type: DType | None = None
    output_names: tuple[str, ...] = ()


@dataclass(eq=False)
class Model:
    """Graphs with `main` first. `path` is the user's file; `producer` says which MindSpore wrote it.

    `files` are those that its constants are read from. `wanted` is what the user asks of inputs and outputs.
    """

    graphs: list[Graph]
    stage: Stage
    path: str | None = None
    producer: str = ""
    version: str = ""
    notes: list[Note] = field(default_factory=list)
    files: tuple[InputFile, ...] = ()
    wanted: Interface = field(default_factory=Interface)

    @property
    def main(self) -> Graph:
        """The graph that runs when the model is called."""
        return self.graphs[0]
