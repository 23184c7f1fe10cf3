"""Attributes in every spelling of MindSpore: typed, textual (1.x), and constants that trail the inputs (2.x)."""

from __future__ import annotations

import re

import pytest
from support.zoo import BRANCHES, INFERENCES, LENETS, OTHER_STEPS, Recording

from converter._generated.mind_ir_pb2 import AttributeProto, TensorProto
from converter.ir import Attr, DType, Model, Node
from converter.mindir.attributes import UndecodableError, decode
from converter.mindir.frontend import read_mindir

TEXTUAL = Recording("ms162", "lenet_momentum_sparse")
INT32, INT64, STRING, BOOL, FLOAT, DOUBLE = 6, 7, 8, 9, 1, 11
TENSORS, TUPLE, NONE = 19, 20, 25


def nodes(model: Model, op: str) -> list[tuple[str, Node]]:
    return [(graph.name, node) for graph in model.graphs for node in graph.nodes if node.op == op]


@pytest.mark.parametrize("recording", BRANCHES, ids=str)
def test_trailing_constants_become_attributes_in_branches_too(recording: Recording) -> None:
    model = read_mindir(recording.model)
    matmuls = nodes(model, "MatMul")
    assert len({graph for graph, _ in matmuls}) == 3, "the main graph and both branches have one"
    for _, node in matmuls:
        assert (node.attrs["transpose_a"], node.attrs["transpose_b"]) == (False, True)
        assert len(node.inputs) == 2
    biases = nodes(model, "BiasAdd")
    assert len({graph for graph, _ in biases}) == 3
    assert all(len(node.inputs) == 2 and node.attrs["data_format"] in (0, "NCHW") for _, node in biases)


@pytest.mark.parametrize("recording", [*LENETS, *OTHER_STEPS, *INFERENCES], ids=str)
def test_convolutions_of_every_version_have_the_same_attributes(recording: Recording) -> None:
    (_, first), (_, second) = nodes(read_mindir(recording.model), "Conv2D")
    for node, channels in ((first, 6), (second, 16)):
        assert len(node.inputs) == 2
        assert node.attrs["out_channel"] == channels
        assert node.attrs["kernel_size"] == (5, 5)
        assert node.attrs["stride"] == (1, 1, 1, 1)
        assert str(node.attrs["pad_mode"]).lower() in ("valid", "2")
        assert (node.attrs["group"], node.attrs["mode"]) == (1, 1)


def test_textual_attributes_of_old_files() -> None:
    model = read_mindir(TEXTUAL.model)
    (_, pool), _ = nodes(model, "MaxPool")
    assert pool.attrs == {"format": "NCHW", "kernel_size": (1, 1, 2, 2), "pad_mode": "VALID", "strides": (1, 1, 2, 2)}
    (_, loss), _ = nodes(model, "SparseSoftmaxCrossEntropyWithLogits")
    assert (loss.attrs["is_grad"], loss.attrs["sens"]) == (False, 1.0)
    (_, reshape), *_ = nodes(model, "Reshape")
    assert [value.literal.value for value in reshape.inputs if value.literal is not None] == [(4, -1)]


def old(form: str, **leaves: object) -> AttributeProto:
    return AttributeProto(name="a", ref_attr_name=form, **leaves)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (old("scalar:value0,", i=7), 7),
        (old("scalar:value0,", f=0.5), 0.5),
        (old("scalar:value0,", s=b"NCHW"), "NCHW"),
        (old("scalar:Tuple[value1,value2,],", ints=[2, 3]), (2, 3)),
        (old("scalar:Tuple[],"), ()),
        (old("scalar:List[Tuple[value1,value2,],Tuple[value3,],],", ints=[2, 3, 5]), ((2, 3), (5,))),
        (old("scalar:Tuple[value1,],", type=BOOL, ints=[1]), (True,)),
        (old("scalar:Tuple[value1,value2,],", strings=[b"a", b"b"]), ("a", "b")),
        (old("none:"), None),
        (old("type:tensor0", tensors=[TensorProto(data_type=1)]), int(DType.FLOAT32)),
    ],
)
def test_the_textual_grammar(attribute: AttributeProto, value: Attr) -> None:
    assert decode(attribute) == value


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (AttributeProto(type=INT64, i=-7), -7),
        (AttributeProto(type=INT32, ints=[7]), 7),
        (AttributeProto(type=BOOL, i=1), True),
        (AttributeProto(type=BOOL), False),
        (AttributeProto(type=STRING, s=b"same"), "same"),
        (AttributeProto(type=FLOAT, f=0.25), 0.25),
        (AttributeProto(type=DOUBLE, doubles=[0.1]), 0.1),
        (AttributeProto(type=NONE), None),
        (AttributeProto(type=TUPLE), ()),
        (AttributeProto(type=TUPLE, values=[{"type": INT64, "i": 2}, {"type": STRING, "s": b"x"}]), (2, "x")),
        (AttributeProto(type=TENSORS, tensors=[TensorProto(data_type=6)]), int(DType.INT32)),
    ],
)
def test_the_typed_grammar(attribute: AttributeProto, value: Attr) -> None:
    found = decode(attribute)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (old("scalar:Tuple[value1,value2,],", ints=[2]), "a sequence with too few values"),
        (old("scalar:value1,value2,", ints=[2, 3]), "a sequence that is not one value"),
        (old("scalar:]"), "a sequence with too few values"),
        (old("graph:x"), "attribute form 'graph:x'"),
        (AttributeProto(type=99), "attribute type 99"),
        (AttributeProto(type=TENSORS, tensors=[TensorProto(data_type=1, raw_data=b"1234")]), "a list of tensors"),
        (AttributeProto(type=TENSORS), "a list of tensors"),
    ],
)
def test_what_is_not_known_is_said(attribute: AttributeProto, message: str) -> None:
    with pytest.raises(UndecodableError, match=f"^{re.escape(message)}$"):
        decode(attribute)
