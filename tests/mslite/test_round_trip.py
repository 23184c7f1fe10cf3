"""What is written is what is read: structure, numbers, and the bytes of a second writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.flatbuffer import Verifier
from support.graphs import graph, node, numbered, value
from support.models import structure
from support.zoo import CONVERTIBLE, Recording

from converter._generated.ms_fields import ENUMS, TABLES
from converter.api import convert
from converter.ir import ArrayTensor, Attr, DType, Graph, Layout, Model, Node, QuantParam, Stage, Value
from converter.mslite.reader import parse_model
from converter.mslite.writer import lay_out
from converter.ops.encoding import encode
from converter.ops.lite_fields import defaults
from converter.ops.lite_ops import LITE_OPS
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Callable


def file_of(model: Model) -> bytes:
    return b"".join(bytes(chunk) for chunk in lay_out(model).chunks())


def check_round_trip(model: Model) -> None:
    data = file_of(model)
    verifier = Verifier(data)
    verifier.run()
    assert all(position % 16 == 0 for position, length in verifier.vectors if length)
    read = parse_model(data, "net.ms")
    assert normal(structure(read)) == normal(structure(model))
    for index, tiny in enumerate(read.graphs):
        tiny.name = tiny.name.removeprefix(f"subgraph_{index}_")
    assert file_of(read) == data


def normal(part: Any) -> Any:  # noqa: ANN401 - any part of a structure
    """Floats as the file keeps them."""
    if isinstance(part, dict):
        return {key: normal(inner) for key, inner in part.items()}
    if isinstance(part, (list, tuple)):
        return [normal(inner) for inner in part]
    return float(np.float32(part)) if isinstance(part, float) else part


@pytest.mark.parametrize("recording", CONVERTIBLE, ids=str)
def test_real_models(recording: Recording) -> None:
    check_round_trip(convert(recording.model, ConvertOptions(train=recording.is_training)).model)


# One of them names a graph, so it cannot stand just anywhere.
OPERATORS = sorted(LITE_OPS.keys() - {"PartialFusion"})
INTEGERS = {"int": (-(1 << 31), (1 << 31) - 1), "uint": (0, (1 << 32) - 1), "long": (-(1 << 63), (1 << 63) - 1)}
INTEGERS |= {"byte": (-128, 127), "ubyte": (0, 255)}
FLOATS = st.floats(width=32, allow_nan=False)


def field_values(kind: str) -> st.SearchStrategy[Any]:
    """Values of one schema type; None where a test has no words for it."""
    rows = st.lists(st.lists(st.integers(*INTEGERS["long"]), min_size=1, max_size=3).map(tuple), max_size=3).map(tuple)
    scalars: dict[str, st.SearchStrategy[Any]] = {
        **{name: st.sampled_from(sorted(members.values())) for name, members in ENUMS.items()},
        **{name: st.integers(*bounds) for name, bounds in INTEGERS.items()},
        "bool": st.booleans(),
        "float": FLOATS,
        "double": FLOATS,
    }
    if kind in scalars:
        return scalars[kind]
    if kind.strip("[]") in scalars:
        return st.lists(scalars[kind.strip("[]")], max_size=5).map(tuple)
    return {"string": st.text(max_size=5), "Vec2D": rows}.get(kind, st.none())


def attributes(op: str) -> st.SearchStrategy[dict[str, Attr]]:
    given_fields = {name: field_values(kind) for name, (kind, _) in TABLES[op].items()}
    return st.fixed_dictionaries({}, optional=given_fields).map(lambda found: {**defaults(op), **found})


DIMS = st.lists(st.sampled_from([1, 2, 3, 5, 7]), max_size=4).map(tuple)
NAMES = st.text(min_size=1, max_size=7)
QUANT = st.builds(QuantParam, FLOATS, st.integers(-128, 127), st.sampled_from([2, 8, 16]), FLOATS, FLOATS)
NUMERIC = [dtype for dtype in DType if dtype not in (DType.STRING, DType.BFLOAT16)]


@st.composite
def constants(draw: Callable[..., Any]) -> Value:
    dtype, shape = draw(st.sampled_from(NUMERIC)), draw(DIMS)
    data = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 2, shape).astype(dtype.numpy)
    made = numbered(draw(NAMES), np.asarray(data), draw(st.sampled_from(list(Layout))))
    made.quant = tuple(draw(st.lists(QUANT, max_size=2)))
    return made


@st.composite
def models(draw: Callable[..., Any]) -> Model:
    """A chain of random operators with random attributes and constants; what they compute does not matter."""
    graphs: list[Graph] = []
    for number in range(draw(st.integers(1, 2))):
        inputs = [value(f"{number}{draw(NAMES)}", *draw(DIMS))]
        nodes: list[Node] = []
        for index in range(draw(st.integers(1, 4))):
            op = draw(st.sampled_from(OPERATORS))
            made = [*inputs, *(out for each in nodes for out in each.outputs)]
            chosen = [draw(st.sampled_from(made)), *draw(st.lists(constants(), max_size=3))]
            outputs = [value(f"{number}.{index}.{place}", *draw(DIMS)) for place in range(draw(st.integers(1, 2)))]
            nodes.append(node(op, chosen, outputs, draw(attributes(op)), name=draw(NAMES)))
        tiny = graph(nodes, inputs, nodes[-1].outputs)
        tiny.name = f"graph{number}"
        graphs.append(tiny)
    found = Model(graphs, Stage.LITE)
    rename(found)
    return found


def rename(model: Model) -> None:
    """Names that tell tensors apart."""
    for tiny in model.graphs:
        values = {id(v): v for each in tiny.nodes for v in (*each.inputs, *each.outputs)}
        for index, each in enumerate(values.values()):
            each.name = f"{tiny.name} {index} {each.name}"


@given(models())
@settings(max_examples=50)
def test_random_models(model: Model) -> None:
    check_round_trip(model)


def test_bytes_of_all_element_types() -> None:
    x = value("x", 2, 3)
    rows = [numbered(dtype.name, np.arange(6).reshape(2, 3).astype(dtype.numpy)) for dtype in NUMERIC]
    only = node("AddN", [x, *rows], [value("y", 2, 3)], defaults("AddN"))
    check_round_trip(Model([graph([only], [x], only.outputs)], Stage.LITE))


@pytest.mark.parametrize("kind", ["indexing", "sparse"])
def test_encoded_weights(kind: str) -> None:
    numbers = np.zeros((11, 101), np.int8)
    step = 1 if kind == "indexing" else 23
    numbers[:, ::step] = np.arange(-1, 10, dtype=np.int8)[:, None] % 3 + 1
    stored = encode(numbers, [0])
    assert stored is not None
    assert stored.encoding.name.lower() == kind
    x = value("x", 2, 101)
    weight = Value("w", ArrayTensor.of(numbers).type, const=stored, quant=(QuantParam(0.5, 0),))
    only = node("MatMulFusion", [x, weight], [value("y", 2, 11)], {**defaults("MatMulFusion"), "transpose_b": True})
    check_round_trip(Model([graph([only], [x], only.outputs)], Stage.LITE))
