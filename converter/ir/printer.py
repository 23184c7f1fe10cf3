"""The text form of a model: for dumps, golden files and bug reports. Deterministic, and free of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir.graph import Graph, Model, Node, Value


def model_text(model: Model) -> str:
    """All graphs, one line per node: outputs = Op{attributes}(inputs) with types, and what must come before."""
    lines = [f"model {model.stage.name}"]
    for graph in model.graphs:
        lines += ["", *_graph_lines(graph)]
    return "\n".join(lines) + "\n"


def _graph_lines(graph: Graph) -> list[str]:
    numbers = {id(node): index for index, node in enumerate(graph.nodes)}
    lines = [f"graph {graph.name}({', '.join(_typed(value) for value in graph.inputs)})"]
    lines += [f"  {_node_text(node, numbers)}" for node in graph.nodes]
    return [*lines, f"  return {', '.join(value.name for value in graph.outputs)}"]


def _node_text(node: Node, numbers: dict[int, int]) -> str:
    """One node; attributes in alphabetical order."""
    attrs = ", ".join(f"{name}={node.attrs[name]!r}" for name in sorted(node.attrs))
    inputs = ", ".join(_operand(value) for value in node.inputs)
    graphs = "".join(f" @{graph.name}" for graph in node.graphs)
    after = ", ".join(f"%{numbers.get(id(earlier), '?')}" for earlier in node.after)
    outputs = ", ".join(_typed(value) for value in node.outputs)
    text = f"%{numbers[id(node)]}: {outputs} = {node.op}{{{attrs}}}({inputs}){graphs}"
    return text + (f" after {after}" if after else "")


def _operand(value: Value) -> str:
    """How an input is shown: constants by what they are."""
    if value.literal is not None:
        return repr(value.literal.value)
    if value.const is not None:
        return f"const {_typed(value)}"
    return value.name


def _typed(value: Value) -> str:
    """Name, type, layout and quantization."""
    quant = f" q{value.quant[0].bits}x{len(value.quant)}" if value.quant else ""
    layout = f" {value.layout.name}" if value.type.rank == 4 else ""  # noqa: PLR2004 - layouts name four axes
    return f"{value.name or '?'}: {value.type}{layout}{quant}"
