"""One MindIR graph read into an IR graph.

Tuples and side-effect tokens are resolved here: MakeTuple, TupleGetItem and UpdateState make no nodes. `Load` stays a
node, because it says at which point of the side effects a variable is read; `Depend` on a variable becomes one. `Node.after`
holds the nodes whose effects directly precede.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter._generated.mindir_arguments import ARGUMENTS
from converter.ir import Attr, DType, Graph, Literal, Node, Origin, TensorType, Value
from converter.ir.editing import wire
from converter.mindir.attributes import UndecodableError, decode, has_data, is_monad, only_tensor, type_of
from converter.mindir.operands import Monad, Operand, TupleOperand, flatten, merge
from converter.mindir.tensors import MissingDataError

if TYPE_CHECKING:
    from converter._generated.mind_ir_pb2 import AttributeProto, GraphProto, NodeProto, TensorProto
    from converter.mindir.frontend import Reader

_PRIM_FUNCTION = 2
_MONADS = frozenset({"UMonadType", "IOMonadType"})
# Type of what is no tensor (literals, functions); `.ms` files say the same of functions.
_NO_TENSOR = TensorType(DType.FLOAT32, ())
_NAMES_ONLY = frozenset({"input_names", "output_names"})
# The attribute by which MindSpore marks operators with side effects; files of 1.x may lack it.
EFFECT = "side_effect_mem"
_STRUCTURE = frozenset({"MakeTuple", "make_tuple", "TupleGetItem", "tuple_getitem", "UpdateState", "Depend"})


class GraphReader:
    """Reads one graph; names are shared by all graphs of the file."""

    def __init__(self, reader: Reader, proto: GraphProto, graph: Graph) -> None:
        """Prepare; nothing is read yet."""
        self.reader = reader
        self.proto = proto
        self.graph = graph

    # -- parameters, inputs, outputs --------------------------------------------------------------------------------

    def read_parameters(self) -> None:
        """Parameters with data become constants; graph inputs become values or tokens."""
        for parameter in self.proto.parameter:
            value = self._constant(parameter, short_name(parameter.name), parameter.name)
            if value is not None:
                self._define(parameter.name, value)
        for declared in self.proto.input:
            if declared.denotation in _MONADS:
                self._define(declared.name, Monad())
            else:
                self._read_input(declared.name, list(declared.tensor))

    def _read_input(self, name: str, tensors: list[TensorProto]) -> None:
        """A graph input; in a branch, what the caller passes."""
        try:
            kind = type_of(tensors[0]) if tensors else None
        except UndecodableError as problem:
            self.reader.problem("E203", f"graph input {short_name(name)!r} has an unknown type: {problem}")
            return
        if kind is None:
            self.reader.problem("E302", f"graph input {short_name(name)!r} has no type")
            return
        value = Value(short_name(name), kind)
        self.graph.inputs.append(value)
        self._define(name, value)

    def read(self) -> None:
        """Nodes in file order, which is topological, then the outputs."""
        for node in self.proto.node:
            self._read_node(node)
        for output in self.proto.output:
            operand = self._operand(output.name, "the graph's outputs")
            for item in flatten([operand] if operand is not None else []):
                if isinstance(item, Value):
                    self.graph.outputs.append(item)

    # -- nodes ------------------------------------------------------------------------------------------------------

    def _read_node(self, proto: NodeProto) -> None:
        """One NodeProto: a constant, a structural node, a call of a graph, or an operator."""
        output = proto.output[0] if proto.output else proto.name
        if proto.op_type == "Constant":
            self._read_constant(proto, output)
            return
        op, attributes, is_function = self._resolve(proto)
        if op is None:
            return
        operands = [self._operand(name, proto.domain or proto.name) for name in proto.input]
        if any(operand is None for operand in operands):
            return
        known = [operand for operand in operands if operand is not None]
        if op in _STRUCTURE:
            result = self._structure(op, known, proto)
        else:
            result = self._operator(op, proto, known, attributes, is_function=is_function)
        if result is not None:
            self._define(output, result)

    def _resolve(self, proto: NodeProto) -> tuple[str | None, list[AttributeProto], bool]:
        """Operator type, its attributes, and whether arguments trail its inputs."""
        if not proto.op_type.startswith("REF::"):
            return proto.op_type.removeprefix("S-Prim-"), list(proto.attribute), False
        key = proto.op_type.removeprefix("REF::")
        primitive = self.reader.primitives.get(key)
        if primitive is not None:
            op = primitive.op_type.removeprefix("S-Prim-")
            return op, list(primitive.attribute), primitive.prim_type == _PRIM_FUNCTION
        if key in self.reader.names:
            return "call", [], False
        self.reader.problem("E305", f"calls {key!r}, which the file does not define", node=proto.domain or proto.name)
        return None, [], False

    def _structure(self, op: str, operands: list[Operand], proto: NodeProto) -> Operand | None:
        """Tuples and tokens: no node, only a name for what is already there."""
        if op in ("MakeTuple", "make_tuple"):
            return TupleOperand(tuple(operands))
        if op == "UpdateState":
            return self._update_state(operands)
        if op == "Depend":
            return self._depend(operands, proto)
        index = operands[1].literal.value if isinstance(operands[1], Value) and operands[1].literal else None
        whole = operands[0]
        items = whole.items if isinstance(whole, TupleOperand) else (whole,)
        if not isinstance(index, int) or not -len(items) <= index < len(items):
            self.reader.problem("E305", "takes an element that its tuple does not have", node=proto.domain, op=op)
            return None
        return items[index]

    def _update_state(self, operands: list[Operand]) -> Monad:
        """The token after the effects of all operands."""
        earlier, *rest = flatten(operands)
        latest = merge(*(effects(operand) for operand in rest))
        covered = {id(node) for effect in latest for node in effect.after}
        return Monad(merge((node for node in effects(earlier) if id(node) not in covered), latest))

    def _depend(self, operands: list[Operand], proto: NodeProto) -> Operand:
        """`Depend(x, y)` is x; where x is a variable, it is read after the effects of y."""
        first = operands[0]
        after = merge(*(effects(operand) for operand in flatten(operands[1:])))
        if not after or not isinstance(first, Value) or first.const is None:
            return first
        node = self._node("Load", proto, {})
        node.after = after
        wire(node, [first], [Value(node.name, first.type)])
        self.graph.nodes.append(node)
        return node.outputs[0]

    def _operator(
        self, op: str, proto: NodeProto, operands: list[Operand], attributes: list[AttributeProto], *, is_function: bool
    ) -> Operand:
        """An operator node; a trailing token gives its place among the side effects."""
        node = self._node(op, proto, self._attributes(attributes, proto, op))
        if op == "call":
            target = self.reader.names[proto.op_type.removeprefix("REF::")]
            operands = [target, *operands]
        tokens = [operand for operand in operands if isinstance(operand, Monad)]
        node.after = merge(*(token.effects for token in tokens))
        flat = flatten(operand for operand in operands if not isinstance(operand, Monad))
        node.graphs = tuple(operand for operand in flat if isinstance(operand, Graph))
        values = [operand for operand in flat if isinstance(operand, Value)]
        if is_function:
            values = self._take_arguments(node, values)
        outputs = self._outputs(node, proto)
        wire(node, values, outputs)
        if tokens and op != "Load":
            node.attrs[EFFECT] = True
        self.graph.nodes.append(node)
        return outputs[0] if len(outputs) == 1 else TupleOperand(tuple(outputs))

    def _take_arguments(self, node: Node, values: list[Value]) -> list[Value]:
        """MindIR version 2 and up: constants that trail the real inputs are attributes by another name."""
        if node.op not in ARGUMENTS:
            return values
        inputs, names = ARGUMENTS[node.op]
        extra = values[inputs:]
        if len(extra) > len(names):
            self.reader.problem(
                "E302", f"has {len(values)} inputs, at most {inputs + len(names)} are known", node=node.name, op=node.op
            )
            return values
        for name, value in zip(names, extra, strict=False):
            if value.literal is not None:
                node.attrs[name] = value.literal.value
            elif value.const is not None and value.const.size <= 1:
                node.attrs[name] = value.const.array().reshape(-1)[0].item()
            else:
                self.reader.problem(
                    "E202",
                    f"{node.op}.{name} is computed by the graph, so it is no attribute",
                    node=node.name,
                    op=node.op,
                )
        return values[:inputs]

    def _node(self, op: str, proto: NodeProto, attrs: dict[str, Attr]) -> Node:
        """A node that knows where it comes from."""
        name = proto.domain or proto.name
        return Node(
            op, name, Origin(str(self.reader.path), short_name(proto.name), op, proto.domain or None), attrs=attrs
        )

    def _attributes(self, attributes: list[AttributeProto], proto: NodeProto, op: str) -> dict[str, Attr]:
        """Operator attributes; those that describe the output or name the arguments are not among them."""
        attrs: dict[str, Attr] = {}
        for attribute in attributes:
            if is_abstract(attribute) or attribute.name in _NAMES_ONLY:
                continue
            try:
                attrs[attribute.name] = decode(attribute)
            except UndecodableError as problem:
                message = f"{op}.{attribute.name} cannot be read: {problem}"
                self.reader.problem("E302", message, node=proto.domain or proto.name, op=op)
        return attrs

    def _outputs(self, node: Node, proto: NodeProto) -> list[Value]:
        """Output values by the node's abstract; an operator without one has a single output of unknown shape."""
        abstract = next((attribute for attribute in proto.attribute if is_abstract(attribute)), None)
        kinds = self._abstract(abstract, node) if abstract is not None else []
        if len(kinds) <= 1:
            kind = kinds[0] if kinds else _NO_TENSOR
            return [Value(node.name, kind)]
        return [Value(f"{node.name}/output-{index}", kind) for index, kind in enumerate(kinds)]

    def _abstract(self, attribute: AttributeProto, node: Node) -> list[TensorType]:
        """Types of the outputs; tokens and non-tensors have none."""
        if attribute.values:
            return [kind for item in attribute.values for kind in self._abstract(item, node)]
        tensors = list(attribute.tensors) + ([attribute.t] if attribute.HasField("t") else [])
        try:
            return [type_of(tensor) for tensor in tensors]
        except UndecodableError as problem:
            self.reader.problem("E203", f"an output has an unknown type: {problem}", node=node.name, op=node.op)
            return []

    # -- constants and names ----------------------------------------------------------------------------------------

    def _read_constant(self, proto: NodeProto, output: str) -> None:
        """A ValueNode: token, tensor, tuple of tensors, or literal."""
        if not proto.attribute:
            self.reader.problem("E302", "a constant has no value", node=short_name(proto.name))
            return
        attribute = proto.attribute[0]
        operand = self._constant_operand(attribute, proto.name)
        if operand is not None:
            self._define(output, operand)

    def _constant_operand(self, attribute: AttributeProto, name: str) -> Operand | None:
        """The value of a constant."""
        if is_monad(attribute):
            return Monad()
        tensor = only_tensor(attribute)
        if tensor is not None and (has_data(tensor) or tensor.dims):
            return self._constant(tensor, short_name(name), name)
        if any(only_tensor(item) is not None and has_data(only_tensor(item) or item.t) for item in attribute.values):
            items = [self._constant_operand(item, name) for item in attribute.values]
            return TupleOperand(tuple(item for item in items if item is not None))
        try:
            return Value(short_name(name), _NO_TENSOR, literal=Literal(decode(attribute)))
        except UndecodableError as problem:
            self.reader.problem("E302", f"a constant cannot be read: {problem}", node=short_name(name))
            return None

    def _constant(self, proto: TensorProto, name: str, label: str) -> Value | None:
        """A constant tensor, viewed where its bytes are."""
        try:
            tensor = self.reader.tensors.tensor(proto)
        except UndecodableError as problem:
            self.reader.problem("E302", f"{short_name(label)!r} cannot be read: {problem}")
        except MissingDataError as problem:
            self.reader.problem(problem.code, f"{short_name(label)!r}: {problem}")
        else:
            return Value(name, tensor.type, const=tensor)
        return None

    def _define(self, name: str, operand: Operand) -> None:
        """Bind a name; a second binding is damage."""
        if name in self.reader.names:
            self.reader.problem("E305", f"the name {short_name(name)!r} is defined twice")
        self.reader.names[name] = operand

    def _operand(self, name: str, user: str) -> Operand | None:
        """What a name stands for."""
        if name not in self.reader.names:
            self.reader.problem("E305", f"reads {short_name(name)!r}, which the file does not define", node=user)
        return self.reader.names.get(name)


def short_name(name: str) -> str:
    """The user's part of a name: `graph_1:conv1.weight` is `conv1.weight`."""
    return name.partition(":")[2] or name


def is_abstract(attribute: AttributeProto) -> bool:
    """Whether an attribute describes the node's output."""
    if attribute.ref_attr_name:
        return "shape:" in str(attribute.ref_attr_name)
    return bool(attribute.name == "shape")


def effects(operand: Operand) -> tuple[Node, ...]:
    """The nodes whose side effects have happened when this operand exists."""
    if isinstance(operand, Monad):
        return operand.effects
    producer = operand.producer if isinstance(operand, Value) else None
    return (producer,) if producer is not None and producer.attrs.get(EFFECT) else ()
