"""One MindIR graph read into an IR graph.

Tuples and side-effect tokens are resolved here: MakeTuple, TupleGetItem and UpdateState make no nodes. `Load` stays a
node, because it says at which point of the side effects a variable is read; `Depend` on a variable becomes one.
`Node.after` holds the nodes whose effects directly precede.
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
_FUNCTION = "Function"
# Attribute types of functions: a graph, a graph with bound arguments, one of several.
_FUNCTIONS = frozenset({27, 28, 29})
# Type of what is no tensor (literals, functions); `.ms` files say the same of functions.
_NO_TENSOR = TensorType(DType.FLOAT32, ())
_NAMES_ONLY = frozenset({"input_names", "output_names"})
_LEAST_OPERANDS = {"TupleGetItem": 2, "tuple_getitem": 2, "UpdateState": 1, "Depend": 1, "Load": 1}
# The attribute by which MindSpore marks operators with side effects; files of 1.x may lack it.
EFFECT = "side_effect_mem"
# A few lines of tuples of tuples of tuples name more elements than memory holds.
_LARGEST_TUPLE = 1 << 17
_TUPLES = frozenset({"MakeTuple", "make_tuple", "MakeList", "make_list"})
_ITEMS = frozenset({"TupleGetItem", "tuple_getitem", "ListGetItem", "list_getitem"})
_STRUCTURE = frozenset({*_TUPLES, *_ITEMS, "UpdateState", "Depend"})
# Operators whose first operand is the function that they call or bind.
_CALLS = frozenset({"call", "Partial", "partial"})


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
            self._define(parameter.name, self._constant(parameter, short_name(parameter.name), parameter.name))
        for declared in self.proto.input:
            if declared.denotation in _MONADS:
                self._define(declared.name, Monad())
            elif declared.denotation == _FUNCTION:
                self._define(declared.name, self._add_input(declared.name, _NO_TENSOR))
            else:
                self._define(declared.name, self._input(declared.name, list(declared.tensor)))

    def _add_input(self, name: str, kind: TensorType) -> Value:
        """A graph input of a known type."""
        value = Value(short_name(name), kind)
        self.graph.inputs.append(value)
        return value

    def _input(self, name: str, tensors: list[TensorProto]) -> Value | None:
        """A graph input; in a branch, what the caller passes."""
        try:
            kind = type_of(tensors[0]) if tensors else None
        except UndecodableError as problem:
            self.reader.problem("E203", f"graph input {short_name(name)!r} has an unknown type: {problem}")
            return None
        if kind is None:
            self.reader.problem("E302", f"graph input {short_name(name)!r} has no type")
            return None
        return self._add_input(name, kind)

    def read(self) -> None:
        """Nodes in file order, which is topological, then the outputs."""
        for node in self.proto.node:
            self._read_node(node)
        for output in self.proto.output:
            operand = self._operand(output.name, "the graph's outputs")
            for item in flatten([operand] if operand is not None else []):
                if isinstance(item, Graph):
                    self.graph.outputs.append(self._function(item))
                elif isinstance(item, Value):
                    self.graph.outputs.append(item)

    # -- nodes ------------------------------------------------------------------------------------------------------

    def _read_node(self, proto: NodeProto) -> None:
        """One NodeProto: a constant, a structural node, a call of a graph, or an operator."""
        output = proto.output[0] if proto.output else proto.name
        self._define(output, self._read_constant(proto) if proto.op_type == "Constant" else self._call(proto))

    def _call(self, proto: NodeProto) -> Operand | None:
        """A structural node, a call of a graph, or an operator; None after a problem, which is not repeated."""
        op, attributes, is_function = self._resolve(proto)
        operands = [self._operand(name, proto.domain or proto.name) for name in proto.input]
        known = [operand for operand in operands if operand is not None]
        if op is None or len(known) < len(operands):
            return None
        least = 2 if op in _ITEMS else int(op in ("UpdateState", "Depend"))
        if len(known) < least:
            message = f"has {len(known)} inputs, needs at least {least}"
            self.reader.problem("E305", message, node=proto.domain or proto.name, op=op)
            return None
        if len(known) < _LEAST_OPERANDS.get(op, 0):
            message = f"has {len(known)} inputs, which is too few"
            self.reader.problem("E302", message, node=proto.domain or proto.name, op=op)
            return None
        if op in _STRUCTURE:
            return self._structure(op, known, proto)
        return self._operator(op, proto, known, attributes, is_function=is_function)

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
            return "call" if self.reader.names[key] is not None else None, [], False
        self.reader.problem("E305", f"calls {key!r}, which the file does not define", node=proto.domain or proto.name)
        return None, [], False

    def _structure(self, op: str, operands: list[Operand], proto: NodeProto) -> Operand | None:
        """Tuples and tokens: no node, only a name for what is already there."""
        if op in _TUPLES:
            return self._tuple(tuple(operands), proto)
        if op == "UpdateState":
            return self._update_state(operands)
        if op == "Depend":
            return self._depend(operands, proto)
        index = operands[1].literal.value if isinstance(operands[1], Value) and operands[1].literal else None
        whole = operands[0]
        items = whole.items if isinstance(whole, TupleOperand) else (whole,)
        maker = items[0].producer if items and isinstance(items[0], Value) else None
        if maker is not None and maker.op == "call" and isinstance(index, int):
            return self._result(maker, index)
        if not isinstance(index, int) or not -len(items) <= index < len(items):
            self.reader.problem("E305", "takes an element that its tuple does not have", node=proto.domain, op=op)
            return None
        return items[index]

    def _tuple(self, items: tuple[Operand, ...], proto: NodeProto) -> TupleOperand | None:
        """A tuple; not one of a size that only a file made for the purpose has."""
        made = TupleOperand(items)
        if made.size <= _LARGEST_TUPLE:
            return made
        message = f"makes a tuple of {made.size} elements; at most {_LARGEST_TUPLE} are read"
        self.reader.problem("E302", message, node=proto.domain or proto.name)
        return None

    def _result(self, call: Node, index: int) -> Value:
        """A result of a call; MindSpore 1.x says nothing of results that are functions, which come last."""
        missing = range(len(call.outputs), index + 1)
        if missing:
            more = [Value(f"{call.name}/output-{place}", _NO_TENSOR) for place in missing]
            wire(call, call.inputs, [*call.outputs, *more])
        return call.outputs[index]

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
        target = self.reader.names.get(proto.op_type.removeprefix("REF::"))
        if op == "call" and target is not None:
            operands = [target, *operands]
        tokens = [operand for operand in operands if isinstance(operand, Monad)]
        node.after = merge(*(token.effects for token in tokens))
        if op in _CALLS and isinstance(operands[0], Graph):
            node.graphs, operands = (operands[0],), operands[1:]
        if is_function:
            operands = self._take_arguments(node, [each for each in operands if not isinstance(each, Monad)])
        values = [self._function(each) if isinstance(each, Graph) else each for each in flatten(operands)]
        outputs = self._outputs(node, proto)
        wire(node, [value for value in values if isinstance(value, Value)], outputs)
        # What a call does is not known here; a token may have been bound to the function long before.
        if (tokens and op != "Load") or op == "call":
            node.attrs[EFFECT] = True
        self.graph.nodes.append(node)
        return outputs[0] if len(outputs) == 1 else TupleOperand(tuple(outputs))

    def _function(self, graph: Graph) -> Value:
        """A graph that is used like a value: a Partial that binds nothing."""
        origin = Origin(str(self.reader.path), graph.name, "Partial")
        node = Node("Partial", graph.name, origin, graphs=(graph,))
        wire(node, [], [Value(graph.name, _NO_TENSOR)])
        self.graph.nodes.append(node)
        return node.outputs[0]

    def _take_arguments(self, node: Node, values: list[Operand]) -> list[Operand]:
        """MindIR version 2 and up: constants that trail the real inputs are attributes by another name.

        A tuple of tensors, as Concat has it, is one input.
        """
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
            if isinstance(value, Value) and value.literal is not None:
                node.attrs[name] = value.literal.value
            elif isinstance(value, Value) and value.const is not None and value.const.size <= 1:
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
        # Many nodes share one primitive.
        if proto.op_type in self.reader.decoded:
            return dict(self.reader.decoded[proto.op_type])
        attrs: dict[str, Attr] = {}
        is_shared = proto.op_type.startswith("REF::")
        for attribute in attributes:
            if is_abstract(attribute) or attribute.name in _NAMES_ONLY:
                continue
            try:
                attrs[attribute.name] = decode(attribute)
            except UndecodableError as problem:
                is_shared = False
                message = f"{op}.{attribute.name} cannot be read: {problem}"
                self.reader.problem("E302", message, node=proto.domain or proto.name, op=op)
        if is_shared:
            self.reader.decoded[proto.op_type] = dict(attrs)
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
        """Types of the outputs; tokens and non-tensors have none, functions stand in with a type of no meaning."""
        if attribute.type in _FUNCTIONS:
            return [_NO_TENSOR]
        if attribute.values:
            return [kind for item in attribute.values for kind in self._abstract(item, node)]
        tensors = list(attribute.tensors) + ([attribute.t] if attribute.HasField("t") else [])
        try:
            return [type_of(tensor) for tensor in tensors]
        except UndecodableError as problem:
            self.reader.problem("E203", f"an output has an unknown type: {problem}", node=node.name, op=node.op)
            return []

    # -- constants and names ----------------------------------------------------------------------------------------

    def _read_constant(self, proto: NodeProto) -> Operand | None:
        """A ValueNode: token, tensor, tuple of tensors, or literal."""
        if not proto.attribute:
            self.reader.problem("E302", "a constant has no value", node=short_name(proto.name))
            return None
        return self._constant_operand(proto.attribute[0], proto.name)

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
            of_what = "" if problem.is_of_file else f"{short_name(label)!r}: "
            self.reader.problem(problem.code, f"{of_what}{problem}")
        else:
            return Value(name, tensor.type, const=tensor)
        return None

    def _define(self, name: str, operand: Operand | None) -> None:
        """Bind a name, to None after a problem; a second binding is damage."""
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
