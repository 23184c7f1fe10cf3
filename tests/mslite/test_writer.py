"""The file: constants streamed from where they are, aligned, and limits reported before anything is written."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.graphs import lite, model, node, numbered, value
from support.zoo import LENET, SPLIT, Recording

from converter.api import convert
from converter.errors import ConversionError
from converter.ir import DType, FileTensor, Model, Stage, Tensor, Value
from converter.ir.tensor import CHUNK
from converter.mslite.writer import lay_out
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from converter.ir.tensor import Array

BIG = Recording("ms200", "lenet_momentum_sparse")


def one_weight(weight: Value) -> Model:
    x = value("x", 2, 3)
    only = lite("AddFusion", [x, weight])
    return model([only], [x], only.outputs)


@pytest.mark.parametrize("recording", [BIG, SPLIT], ids=str)
def test_weights_stay_in_the_file_until_they_are_written(recording: Recording) -> None:
    result = convert(recording.model, ConvertOptions(train=True))
    weights = {name: const for v in result.model.main.constants() if (name := v.name) and (const := v.const)}
    assert isinstance(weights["fc1.weight"], FileTensor)
    assert isinstance(weights["moments.fc1.weight"], FileTensor)


def test_the_tables_hold_no_weights() -> None:
    result = convert(BIG.model, ConvertOptions(train=True))
    weights = sum(value.const.nbytes for value in result.model.main.constants() if value.const is not None)
    assert weights > 10 * len(result.layout.tables)
    assert len(result.layout.tables) < 60_000
    size = sum(len(chunk) for chunk in result.layout.chunks())
    assert size == result.layout.size
    assert size <= len(result.layout.tables) + weights + 20 * len(result.layout.constants) + 8


def test_the_tables_do_not_grow_with_the_weights() -> None:
    small = lay_out(one_weight(numbered("w", np.zeros((2, 3), np.float32))))
    large = lay_out(one_weight(numbered("w", np.zeros((4_000, 1_009), np.float32))))
    assert len(small.tables) == len(large.tables)


def test_writing_goes_in_pieces() -> None:
    """The memory that a copy needs does not grow with the weight."""

    class Pieces(io.BytesIO):
        largest = 0

        def writelines(self, lines: object) -> None:
            for line in lines:  # type: ignore[attr-defined] # chunks
                self.largest = max(self.largest, len(line))

    file = Pieces()
    lay_out(one_weight(numbered("w", np.zeros((1_009, 1_013), np.float32)))).write(file)
    assert file.largest == CHUNK


@dataclass(frozen=True, eq=False)
class Huge(Tensor):
    """A tensor that is never touched."""

    dtype: DType
    shape: tuple[int, ...]

    def array(self) -> Array:
        raise AssertionError


def huge(*shape: int) -> Value:
    tensor = Huge(DType.FLOAT32, shape)
    return Value("w", tensor.type, const=tensor)


def test_a_file_above_2_gib_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ConversionError) as caught:
        lay_out(one_weight(huge(1 << 15, 1 << 14)))
    (problem,) = caught.value.problems
    assert problem.code == "E208"
    assert problem.message.endswith("the device reads at most 2147483647")
    assert problem.path == "tiny.mindir"


def test_a_file_just_below_2_gib_is_laid_out() -> None:
    layout = lay_out(one_weight(huge((1 << 29) - 1_009)))
    assert (1 << 31) - 8_192 < layout.size < 1 << 31


def test_an_operator_or_attribute_without_a_place_is_our_bug() -> None:
    x = value("x", 2, 3)
    first = node("Conv2D", [x], name="first")
    second = lite("Abs", first.outputs, name="second", color=7)
    with pytest.raises(ConversionError) as caught:
        lay_out(model([first, second], [x], second.outputs, Stage.LITE))
    assert [(problem.code, problem.node, problem.message) for problem in caught.value.problems] == [
        ("E901", "first", "Conv2D has no place in the .ms schema"),
        ("E901", "second", "Abs has no place in the .ms schema for color"),
    ]


def test_a_constant_that_two_nodes_read_is_stored_once() -> None:
    x, shared = value("x", 2, 3), numbered("w", np.ones((2, 3), np.float32))
    first = lite("AddFusion", [x, shared], name="first")
    second = lite("MulFusion", [first.outputs[0], shared], name="second")
    assert len(lay_out(model([first, second], [x], second.outputs)).constants) == 1


def test_the_same_model_gives_the_same_bytes() -> None:
    files = {b"".join(map(bytes, convert(LENET.model, ConvertOptions(train=True)).layout.chunks())) for _ in range(2)}
    assert len(files) == 1
