"""MindIR files of a few lines that ask for more than there is: sizes, depths, cycles, offsets. Made node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter._generated.mind_ir_pb2 import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOAT, INT, TUPLE, TENSORS, TOKEN = 1, 7, 20, 19, 23
HUGE = 1 << 40


def chain(
    nodes: Sequence[NodeProto],
    parameters: Sequence[TensorProto] = (),
    functions: Sequence[GraphProto] = (),
    shape: Sequence[int] = (2, 3),
) -> ModelProto:
    """A graph with the input `x` that ends with the last node."""
    graph = GraphProto(name="g", node=nodes, parameter=parameters)
    graph.input.add(name="x").tensor.add(dims=shape, data_type=FLOAT)
    graph.output.add(name=nodes[-1].output[0]).tensor.add(data_type=FLOAT)
    return ModelProto(ir_version="0.1.1", little_endian=True, mind_ir_version=1, graph=graph, functions=functions)


def node(op: str, name: str, inputs: Sequence[str], dims: Sequence[int] = (2, 3)) -> NodeProto:
    """An operator with one output."""
    made = NodeProto(op_type=op, name=name, output=[name], input=inputs, domain=name)
    made.attribute.add(name="shape", type=TENSORS).tensors.add(dims=dims, data_type=FLOAT)
    return made


def literal(name: str, *numbers: int) -> NodeProto:
    """A constant: one integer, or a tuple of several."""
    made = NodeProto(op_type="Constant", name=name, output=[name])
    attribute = made.attribute.add(name="value", type=TUPLE if len(numbers) > 1 else INT)
    if len(numbers) == 1:
        attribute.i = numbers[0]
    else:
        attribute.values.extend(AttributeProto(type=INT, i=number) for number in numbers)
    return made


def parameter(*dims: int, **fields: int) -> TensorProto:
    """A weight `p` that claims dimensions and has four bytes, or other fields instead of bytes."""
    data = {} if fields else {"raw_data": bytes(4)}
    return TensorProto(name="p", dims=dims, data_type=FLOAT, **data, **fields)  # type: ignore[arg-type] # one of both


def doubled(levels: int) -> list[NodeProto]:
    """Tuples of tuples: 2 to the power of `levels` elements in as many lines."""
    first = node("MakeTuple", "t0", ["x", "x"])
    return [first, *(node("MakeTuple", f"t{i}", [f"t{i - 1}"] * 2) for i in range(1, levels))]


def calling(levels: int, times: int) -> list[GraphProto]:
    """Functions that each call the one before so many times."""
    functions: list[GraphProto] = []
    for i in range(levels):
        graph = GraphProto(name=f"f{i}")
        graph.input.add(name=f"f{i}:x").tensor.add(dims=[2, 3], data_type=FLOAT)
        value = f"f{i}:x"
        for turn in range(times if i else 1):
            graph.node.append(node(f"REF::f{i - 1}" if i else "ReLU", f"f{i}:{turn}", [value]))
            value = f"f{i}:{turn}"
        graph.output.add(name=value)
        functions.append(graph)
    return functions


def nested_text(levels: int) -> NodeProto:
    """An attribute in the grammar of MindSpore 1.x, so many tuples deep."""
    made = node("ReLU", "y", ["x"])
    form = "scalar:" + "Tuple[" * levels + "value0" + "]" * levels
    made.attribute.add(name="depth", ref_attr_name=form, type=INT, i=3)
    return made


def nested_messages(levels: int) -> bytes:
    """A file with an attribute so many messages deep; protobuf would not write it."""
    body = AttributeProto(type=INT, i=1).SerializeToString()
    heads: list[bytes] = []
    length = len(body)
    for _ in range(levels):
        heads.append(b"\x8a\x01" + _varint(length))  # Attribute.values
        length += len(heads[-1])
    attribute = b"".join(reversed(heads)) + body
    model = chain([node("ReLU", "y", ["x"])])
    inner = model.graph.node[0].SerializeToString() + b"\x2a" + _varint(length) + attribute
    del model.graph.node[:]
    graph = model.graph.SerializeToString() + b"\x0a" + _varint(len(inner)) + inner
    model.ClearField("graph")
    return model.SerializeToString() + b"\x3a" + _varint(len(graph)) + graph


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 1 << 7:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def reading_p(weight: TensorProto) -> ModelProto:
    """A graph that adds a weight."""
    return chain([node("Add", "y", ["x", "p"])], [weight])


def recursion() -> ModelProto:
    """A function that calls itself."""
    (function,) = calling(1, 1)
    function.node[0].op_type = "REF::f0"
    return chain([node("REF::f0", "y", ["x"])], functions=[function])


# Name -> the file, and the codes that an inference conversion may end with; no code: it may succeed.
CASES: dict[str, tuple[ModelProto | bytes, tuple[str, ...]]] = {
    "tuples of 2^40": (chain(doubled(40)), ("E302",)),
    "tuples of 2^40 read": (chain([*doubled(40), node("AddN", "y", ["t39"])]), ("E302",)),
    "result of 2^40": (chain([node("ReLU", "y", ["x"], [HUGE])]), ("E204",)),
    "input of 2^40": (chain([node("ReLU", "y", ["x"], [HUGE])], shape=[HUGE]), ("E204",)),
    "weight of 2^40": (reading_p(parameter(HUGE)), ("E302",)),
    "weight of 2^124": (reading_p(parameter(1 << 62, 1 << 62)), ("E302",)),
    "weight of nothing by 2^62": (reading_p(parameter(1 << 62, 0, raw_length=0, raw_offset=0)), ("E204", "E302")),
    "weight of -3": (reading_p(parameter(-3)), ("E302",)),
    "weight at 2^62": (reading_p(parameter(1, raw_offset=1 << 62, raw_length=4)), ("E306",)),
    "reads itself": (chain([node("Add", "y", ["x", "y"])]), ("E305",)),
    "cycle": (chain([node("Add", "a", ["x", "b"]), node("Add", "b", ["a", "x"])]), ("E305",)),
    "defined twice": (chain([node("ReLU", "y", ["x"]), node("ReLU", "y", ["x"])]), ("E305",)),
    "calls itself": (recursion(), ("E206",)),
    "calls 2^40 times": (chain([node("REF::f39", "y", ["x"])], functions=calling(40, 2)), ("E206",)),
    "calls 2000 deep": (chain([node("REF::f1999", "y", ["x"])], functions=calling(2000, 1)), ()),
    "attribute 10^5 tuples deep": (chain([nested_text(100_000)]), ("E302",)),
    "attribute 10^5 messages deep": (nested_messages(100_000), ("E302",)),
    "attribute 90 messages deep": (nested_messages(90), ("E302",)),
    "range of 2^40": (
        chain(
            [
                *(literal(name, number) for name, number in (("a", 0), ("b", HUGE), ("c", 1))),
                node("Range", "q", ["a", "b", "c"]),
                node("Add", "y", ["x", "q"]),
            ]
        ),
        ("E208",),
    ),
    "tile of 2^40": (
        chain(
            [literal("a", 1 << 20, 1 << 20), node("Tile", "q", ["p", "a"]), node("Add", "y", ["x", "q"])],
            [parameter(1, 1)],
        ),
        (),
    ),
}
