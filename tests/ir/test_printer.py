"""The text form of a model."""

from __future__ import annotations

import pytest
from support.golden import compare_golden
from support.graphs import constant, graph, lite, literal, node, value
from support.zoo import BRANCHES, Recording

from converter.ir import DType, Layout, Model, Stage
from converter.ir.printer import model_text
from converter.ir.types import QuantParam
from converter.mindir.frontend import read_mindir


def test_every_part_is_shown() -> None:
    x, weight = value("x", 2, 11, 13, 3, layout=Layout.NHWC), constant("w", 5, 7, 7, 3, layout=Layout.KHWC)
    weight.quant = (QuantParam(0.5, 3), QuantParam(0.25, -3))
    first = lite("Abs", [x], name="first")
    second = node(
        "Custom", [first.outputs[0], weight, literal((1, "a"))], [value("y", -1, dtype=DType.BOOL)], {"b": 2, "a": "x"}
    )
    second.after, second.graphs = (first,), (graph([], [], []),)
    text = model_text(Model([graph([first, second], [x], second.outputs)], Stage.LITE))
    assert text == (
        "model LITE\n"
        "\n"
        "graph tiny(x: float32[2,11,13,3] NHWC)\n"
        "  %0: first: float32[2,11,13,3] NHWC = Abs{}(x)\n"
        "  %1: y: bool[?] = Custom{a='x', b=2}(first, const w: float32[5,7,7,3] KHWC q8x2, (1, 'a')) @tiny after %0\n"
        "  return y\n"
    )


@pytest.mark.parametrize("recording", BRANCHES, ids=str)
def test_a_model_with_branches(recording: Recording, update_golden: bool) -> None:
    compare_golden("read", str(recording), model_text(read_mindir(recording.model)), update=update_golden)


def test_the_text_holds_no_path_and_is_the_same_twice() -> None:
    texts = {model_text(read_mindir(BRANCHES[0].model)) for _ in range(2)}
    assert len(texts) == 1
    assert str(BRANCHES[0].model.parent) not in texts.pop()
