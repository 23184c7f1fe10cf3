"""`--fp16=on`: which constants become float16, and what they are then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import lite, model, numbered, value
from support.models import stored_bytes

from converter.ir import DType, FilledTensor, Model, Note, TensorType, TransposedTensor, Value
from converter.ir.half import HalfTensor
from converter.mslite.reader import parse_model
from converter.mslite.writer import lay_out
from converter.quantize.half import keep_float16, store_as_float16
from converter.reference import Session

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

HALF, FLOAT = DType.FLOAT16, DType.FLOAT32


def adding(*constants: Value) -> Model:
    """x plus each of the constants."""
    x = value("x", 3, 7)
    nodes = [lite("AddFusion", [x, each], name=f"add_{each.name}") for each in constants]
    return model(nodes, [x], [node.outputs[0] for node in nodes])


def weights(scale: float = 1.0) -> Array:
    return (np.random.default_rng(3).normal(size=(3, 7)) * scale).astype(np.float32)


def test_weights_are_rounded_and_take_half_the_bytes() -> None:
    each = numbered("w", weights())
    store_as_float16(adding(each))
    assert each.type == TensorType(HALF, (3, 7))
    assert stored_bytes(each) == weights().astype("<f2").tobytes()


def test_the_report_says_how_many_and_how_much() -> None:
    each = adding(numbered("a", weights()), numbered("b", weights()))
    store_as_float16(each)
    assert [(note.kind, note.message) for note in each.notes] == [
        ("type", "2 constants are stored as float16, in 84 bytes less")
    ]


def test_the_file_is_read_back_and_computes_with_the_rounded_numbers() -> None:
    each = adding(numbered("w", weights()))
    x = weights(2)
    store_as_float16(each)
    copy = parse_model(b"".join(bytes(chunk) for chunk in lay_out(each).chunks()), "net.ms")
    (found,) = Session(copy).infer([x]).values()
    assert found.dtype == np.float32
    assert found.tobytes() == (x + weights().astype(np.float16).astype(np.float32)).tobytes()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([65519.0], HALF),
        ([65520.0], FLOAT),
        ([-3.4e38], FLOAT),
        ([2.0**-14], HALF),
        ([6.1e-5], FLOAT),
        ([1e-12], FLOAT),
        ([0.0], HALF),
        ([np.inf, 1.0], HALF),
        ([np.nan, 1.0], HALF),
        ([1e-9, 0.3], HALF),
    ],
)
def test_constants_that_float16_does_not_hold_stay(numbers: list[float], expected: DType) -> None:
    each = numbered("w", np.resize(np.array(numbers, np.float32), 17))
    subject = adding(each)
    store_as_float16(subject)
    assert each.type.dtype is expected
    said = ["'w' stays float32: float16 does not hold its numbers"] if expected is FLOAT else []
    assert [note.message for note in subject.notes[:-1]] == said


def test_few_numbers_and_other_types_stay() -> None:
    few = numbered("few", np.ones((3, 5), np.float32))
    enough = numbered("enough", np.ones(16, np.float32))
    integers = numbered("integers", np.ones(17, np.int32))
    store_as_float16(adding(few, enough, integers))
    assert [each.type.dtype for each in (few, enough, integers)] == [FLOAT, HALF, DType.INT32]


def test_a_variable_stays() -> None:
    variable, other = numbered("v", weights()), numbered("w", weights())
    assign = lite("Assign", [variable, other], [value("done", 1)], "assign")
    store_as_float16(model([assign], [value("x", 3)], assign.outputs))
    assert (variable.type.dtype, other.type.dtype) == (FLOAT, HALF)


def test_a_constant_that_is_an_output_or_goes_into_another_graph_stays() -> None:
    result, bound = numbered("r", weights()), numbered("b", weights())
    partial = lite("PartialFusion", [bound], [value("function")], "partial")
    store_as_float16(model([partial], [value("x", 3)], [*partial.outputs, result]))
    assert (result.type.dtype, bound.type.dtype) == (FLOAT, FLOAT)


def test_a_constant_of_two_readers_is_stored_once() -> None:
    shared = numbered("w", weights())
    subject = adding(shared, shared)
    store_as_float16(subject)
    assert shared.type.dtype is HALF
    assert subject.notes[-1].message == "1 constants are stored as float16, in 42 bytes less"


def test_lazy_tensors_stay_lazy() -> None:
    moved = TransposedTensor(numbered("w", weights()).const, (1, 0))  # type: ignore[arg-type]
    filled = FilledTensor(FLOAT, (1009, 13), 0.1)
    for base in (moved, filled):
        half = HalfTensor(base)
        pieces = list(half.chunks())
        assert b"".join(bytes(piece) for piece in pieces) == base.array().astype("<f2").tobytes()
        assert half.nbytes == base.nbytes // 2
        assert half.array().tobytes() == base.array().astype("<f2").tobytes()


@pytest.mark.parametrize("came_as_half", [True, False])
def test_what_came_as_float16_goes_back_to_it_and_loses_nothing(came_as_half: bool) -> None:
    exact, other = numbered("exact", weights().astype(np.float16).astype(np.float32)), numbered("other", weights())
    each = adding(exact, other)
    if came_as_half:
        each.notes.append(Note("type", "'exact' is float32 instead of float16"))
    keep_float16(each)
    assert (exact.type.dtype, other.type.dtype) == ((HALF if came_as_half else FLOAT), FLOAT)
    x = weights(2)
    found = list(Session(each).infer([x]).values())
    np.testing.assert_array_equal(found[0], x + weights().astype(np.float16).astype(np.float32))
