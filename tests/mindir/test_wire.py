"""The wire scan: a skeleton without weights, and where each weight is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mindir import tensors
from support.zoo import CONVERTIBLE, LENET, Recording

from converter._generated.mind_ir_pb2 import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from converter.mindir.wire import INLINE_LIMIT, MESSAGES, WireError, fields, skeleton, varint

# A position and a length take at most two keys of 3 bytes and two numbers of 5.
POSITION_SIZE = 16

SIZES = st.sampled_from([0, 1, 2, 127, 128, 509, 1023, 20011])
NAMES = st.text(max_size=7)
DATA = st.builds(lambda size, byte: bytes([byte]) * size, SIZES, st.integers(0, 255))


def messages(leaf: st.SearchStrategy[TensorProto]) -> st.SearchStrategy[ModelProto]:
    """Random models: tensors in parameters, attributes, nested values, nested graphs, functions and primitives."""

    def attribute(inner: st.SearchStrategy[AttributeProto]) -> st.SearchStrategy[AttributeProto]:
        graphs = st.lists(st.builds(lambda a: GraphProto(node=[NodeProto(attribute=[a])]), inner), max_size=1)
        return st.builds(
            lambda name, values, ts, gs: AttributeProto(name=name, values=values, tensors=ts, graphs=gs),
            NAMES,
            st.lists(inner, max_size=3),
            st.lists(leaf, max_size=2),
            graphs,
        )

    attributes = st.recursive(st.builds(lambda t: AttributeProto(t=t), leaf), attribute, max_leaves=7)
    nodes = st.builds(lambda a, name: NodeProto(attribute=a, name=name), st.lists(attributes, max_size=2), NAMES)
    graphs = st.builds(
        lambda parameters, ns: GraphProto(parameter=parameters, node=ns),
        st.lists(leaf, max_size=3),
        st.lists(nodes, max_size=3),
    )
    primitives = st.lists(attributes, max_size=2)
    return st.builds(_model, graphs, st.lists(graphs, max_size=2), primitives)


def _model(graph: GraphProto, functions: list[GraphProto], primitives: list[AttributeProto]) -> ModelProto:
    model = ModelProto(graph=graph, functions=functions, mind_ir_version=3)
    for attribute in primitives:
        model.primitives.add(name="p", op_type="Op", attribute=[attribute])
    return model


TENSORS = st.builds(
    lambda data, dims, name: TensorProto(raw_data=data, dims=dims, name=name, data_type=1),
    DATA,
    st.lists(st.integers(0, 1 << 40), max_size=3),
    NAMES,
)


@given(messages(TENSORS))
@settings(max_examples=50)
def test_skeleton_and_positions_are_the_whole_file(model: ModelProto) -> None:
    data = model.SerializeToString()
    plain = ModelProto.FromString(data)
    bare = ModelProto.FromString(skeleton(data))
    for found, expected in zip(tensors(bare), tensors(plain), strict=True):
        if found.HasField("raw_offset"):
            start = found.raw_offset
            assert data[start : start + found.raw_length] == expected.raw_data
        else:
            assert found.raw_data == expected.raw_data
            assert len(found.raw_data) <= INLINE_LIMIT
        found.raw_data = expected.raw_data
        found.ClearField("raw_offset")
        found.ClearField("raw_length")
    assert bare == plain


@given(messages(TENSORS))
@settings(max_examples=50)
def test_no_weight_is_in_the_skeleton(model: ModelProto) -> None:
    sizes = [len(tensor.raw_data) for tensor in tensors(model)]
    weights = [size for size in sizes if size > INLINE_LIMIT]
    data = model.SerializeToString()
    assert len(skeleton(data)) <= len(data) - sum(weights) + POSITION_SIZE * len(sizes)


@pytest.mark.parametrize("recording", CONVERTIBLE, ids=str)
def test_skeletons_of_real_files_are_free_of_weights(recording: Recording) -> None:
    data = recording.model.read_bytes()
    bare = ModelProto.FromString(skeleton(data))
    assert max((len(tensor.raw_data) for tensor in bare.graph.parameter), default=0) < INLINE_LIMIT
    parameters = sum(tensor.raw_length for tensor in bare.graph.parameter)
    assert len(skeleton(data)) <= len(data) - parameters + POSITION_SIZE * len(bare.graph.parameter)


def test_field_numbers_of_nested_messages_are_those_of_the_schema() -> None:
    """Every field of the .proto that leads to a tensor is in the scanner's table."""
    for message in (ModelProto, GraphProto, NodeProto, AttributeProto):
        name = message.DESCRIPTOR.name.removesuffix("Proto")
        nested = {
            field.number: field.message_type.name.removesuffix("Proto")
            for field in message.DESCRIPTOR.fields
            if field.message_type is not None and field.message_type.name not in ("ValueInfoProto", "ExternalDataProto")
        }
        known = {number: child for number, child in MESSAGES[name].items() if child != "MapTensor"}
        assert nested == known


def offset_of_damage(data: bytes) -> int:
    """Where the scan says that the bytes are wrong; 0 when it says nothing."""
    try:
        skeleton(data)
    except WireError as problem:
        return problem.offset
    return 0


@given(st.binary(max_size=199))
def test_random_bytes_are_scanned_or_refused(data: bytes) -> None:
    assert 0 <= offset_of_damage(data) <= len(data)


@given(st.integers(0, len(LENET.model.read_bytes()) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_scanned_or_refused(position: int, byte: int) -> None:
    data = bytearray(LENET.model.read_bytes())
    data[position] = byte
    assert 0 <= offset_of_damage(bytes(data)) <= len(data)


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"\x80", "the file ends inside a number", 1),
        (b"\xff" * 11, "a number is longer than 10 bytes", 10),
        (b"\x00\x00", "a field has number 0", 0),
        (b"\x0b", "field 1 has the unknown wire type 3", 0),
        (b"\x0a\x05ab", "field 1 reaches 3 bytes beyond its message", 0),
        (b"\x0d\x00", "field 1 reaches 3 bytes beyond its message", 0),
        (b"\x09\x00", "field 1 reaches 7 bytes beyond its message", 0),
    ],
)
def test_what_is_wrong_with_the_bytes_is_said(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(WireError) as caught:
        list(fields(data, 0, len(data)))
    assert (str(caught.value), caught.value.offset) == (message, offset)


@given(st.integers(0, (1 << 64) - 1))
def test_numbers_are_decoded_as_protobuf_encodes_them(number: int) -> None:
    key_size = 3
    data = TensorProto(raw_offset=number).SerializeToString()[key_size:]
    assert varint(data, 0, len(data)) == (number, len(data))


def test_deep_nesting_ends_in_a_problem_and_not_in_a_crash() -> None:
    inner = b""
    for _ in range(2000):
        inner = b"\x8a\x01" + _length(len(inner)) + inner
    data = (
        b"\x3a" + _length(len(inner) + 10) + b"\x0a" + _length(len(inner) + 5) + b"\x2a" + _length(len(inner)) + inner
    )
    with pytest.raises((WireError, RecursionError)):
        skeleton(data)


def _length(number: int) -> bytes:
    out = bytearray()
    while number > 127:  # the largest number of one byte
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
