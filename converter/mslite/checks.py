"""What the device's loader refuses in a `.ms` file, checked on the raw tables (RUNTIME_REQUIREMENTS §1 and §2)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from converter.errors import Problem, Problems
from converter.ir import DType
from converter.mslite import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONSTANT = 0
_UNKNOWN_DIMENSION = -1


def check_file(root: Any, path: str) -> None:  # noqa: ANN401 - generated classes have no types
    """Raise `ConversionError` E310 with everything that is wrong with the wiring and the tensors of a file.

    `root` is the file's MetaGraph. Offsets that lead nowhere raise what the accessors raise.
    """
    _Checker(root, path).run()


class _Checker:
    """Collects problems; index lists are read once."""

    def __init__(self, root: Any, path: str) -> None:  # noqa: ANN401 - as above
        self.root = root
        self.path = path
        self.problems = Problems()
        self.count = root.AllTensorsLength()
        self.tensors = [root.AllTensors(index) for index in range(self.count)]
        self.nodes = [root.Nodes(index) for index in range(root.NodesLength())]

    def run(self) -> None:
        for index, tensor in enumerate(self.tensors):
            self._check_tensor(index, tensor)
        for node in self.nodes:
            self._check_node(node)
        self.problems.raise_if_any()
        self._check_borders()
        self._check_subgraphs()
        self.problems.raise_if_any()

    def _say(self, message: str, node: str | None = None) -> None:
        self.problems.add(Problem("E310", message, self.path, node=node))

    def _check_tensor(self, index: int, tensor: Any) -> None:  # noqa: ANN401 - as above
        dims = schema.vector(tensor, "Dims").tolist()
        name = _text(tensor.Name()) or f"#{index}"
        if tensor.DataType() not in DType.__members__.values():
            self._say(f"tensor {name!r} has the unknown data type {tensor.DataType()}")
        if any(dim < _UNKNOWN_DIMENSION for dim in dims):
            self._say(f"tensor {name!r} has the dimensions {dims}; below -1 there is none")
        if not tensor.DataLength():
            return
        if tensor.NodeType() != _CONSTANT:
            self._say(f"tensor {name!r} has data but is not marked as a constant (nodeType {tensor.NodeType()})")
        if any(dim <= 0 for dim in dims):
            self._say(f"the constant {name!r} has the dimensions {dims}; each must be at least 1")

    def _check_node(self, node: Any) -> None:  # noqa: ANN401 - as above
        name = _text(node.Name())
        outputs = schema.vector(node, "OutputIndex").tolist()
        for index in (*schema.vector(node, "InputIndex").tolist(), *outputs):
            if index >= self.count:
                self._say(f"a node refers to tensor {index} of {self.count}", name)
            elif index in outputs and self._has_data(index):
                self._say(f"writes the constant {_text(self.tensors[index].Name())!r}", name)
        if len(set(outputs)) < len(outputs):
            self._say("has the same tensor as two of its outputs", name)

    def _has_data(self, index: int) -> bool:
        return bool(self.tensors[index].DataLength())

    def _check_borders(self) -> None:
        inputs = schema.vector(self.root, "InputIndex").tolist()
        outputs = schema.vector(self.root, "OutputIndex").tolist()
        for name, indices in (("input", inputs), ("output", outputs)):
            if not indices:
                self._say(f"the model has no {name}s")
            self._check_range(f"a model {name}", indices, self.count)
        if inputs and inputs == outputs:
            self._say("the model's outputs are its inputs")
        if self.root.SubGraphIsNone():
            self._check_graph("the model", inputs, outputs, range(len(self.nodes)))
        elif not self.root.SubGraphLength():
            self._say("the model has no main graph: its list of subgraphs is empty")
        elif len(outputs) == 1 and self.root.SubGraph(0).OutputIndicesLength() != 1:
            self._say(f"the model has 1 output, its main graph {self.root.SubGraph(0).OutputIndicesLength()}")

    def _check_range(self, what: str, indices: list[int], count: int) -> bool:
        bad = [index for index in indices if index >= count]
        for index in bad:
            self._say(f"{what} is number {index} of {count}")
        return not bad

    def _check_subgraphs(self) -> None:
        for index in range(self.root.SubGraphLength()):
            graph = self.root.SubGraph(index)
            label = f"subgraph {index}"
            missing = list(_missing_fields(graph))
            for field in missing:
                self._say(f"{label} has no {field}")
            members = range(len(self.nodes))
            if not graph.NodeIndicesIsNone():
                listed = schema.vector(graph, "NodeIndices").tolist()
                repeated = [node for node, times in Counter(listed).items() if times > 1]
                if repeated:
                    self._say(f"{label} has node {repeated[0]} twice")
                if not self._check_range(f"a node of {label}", listed, len(self.nodes)):
                    continue
                members = listed
            self._check_range(f"a tensor of {label}", schema.vector(graph, "TensorIndices").tolist(), self.count)
            inputs, outputs = (schema.vector(graph, name).tolist() for name in ("InputIndices", "OutputIndices"))
            if not missing:
                self._check_graph(label, inputs, outputs, members)

    def _check_graph(self, label: str, inputs: list[int], outputs: list[int], members: Any) -> None:  # noqa: ANN401 - indices
        """Inputs come from outside; outputs are made by a node, or are constants that no node makes."""
        made = {index for node in members for index in schema.vector(self.nodes[node], "OutputIndex").tolist()}
        if not self._check_range(f"an input or output of {label}", [*inputs, *outputs], self.count):
            return
        for index in inputs:
            if index in made or self._has_data(index):
                what = "is made by a node" if index in made else "is a constant"
                self._say(f"the input {_text(self.tensors[index].Name())!r} of {label} {what}")
        for index in outputs:
            if (index in made) == self._has_data(index):
                self._say(f"the output {_text(self.tensors[index].Name())!r} of {label} is made by no node")


def _missing_fields(graph: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """Fields that every subgraph must have; an empty list counts as there, an absent one does not."""
    if graph.Name() is None:
        yield "name"
    for field, label in (("InputIndices", "inputs"), ("OutputIndices", "outputs"), ("TensorIndices", "tensors")):
        if getattr(graph, f"{field}IsNone")():
            yield label


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8")
