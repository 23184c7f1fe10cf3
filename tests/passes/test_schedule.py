"""The order of nodes, proved against the device's own sort."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import lite, model, value
from support.samples import late_reader

from converter.errors import ConversionError
from converter.ir import Model, Stage
from converter.passes.normalize.side_effects import order_side_effects
from converter.passes.schedule.order import hazards, schedule
from converter.reference import Session, execution_order


def device_output(each: Model, *inputs: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[float]:
    session = Session(each)
    return [float(array.reshape(-1)[0]) for array in session.infer(list(inputs)).values()]


def test_a_late_reader_sees_the_weight_before_its_update() -> None:
    """On the device the optimizer runs at once, since only data edges count there."""
    sample = late_reader()
    weight = next(each for each in sample.main.constants() if each.name == "weight")
    assert weight.const is not None
    old = float(weight.const.array()[0, 0])
    x, gradient = np.full((2, 3), 2.0, np.float32), np.full((2, 3), 5.0, np.float32)
    assert [(a.name, b.name) for a, b in hazards(sample.main)] == [("ApplyMomentum", "reader")]
    assert schedule(sample)
    assert hazards(sample.main) == []
    session = Session(sample)
    session.step([x, gradient])
    assert session.constants()["weight"][0, 0] != pytest.approx(old)
    assert device_output(sample, x, gradient)[0] == pytest.approx(2.0 * old)


def test_a_snapshot_runs_before_everything_else_on_the_device() -> None:
    sample = late_reader()
    schedule(sample)
    order = [node.name for node in execution_order(sample.main)]
    assert order[0] == "weight_snapshot"
    assert [note.kind for note in sample.notes] == ["order"]


def test_a_graph_without_hazards_is_left_alone() -> None:
    x = value("x", 2, 3)
    first = lite("Abs", [x], name="first")
    second = lite("Neg", first.outputs, name="second")
    sample = model([first, second], [x], second.outputs)
    assert not schedule(sample)
    assert sample.notes == []


def test_nodes_in_the_wrong_order_are_sorted_with_the_least_change() -> None:
    x = value("x", 2, 3)
    first, second = lite("Abs", [x], name="first"), lite("Neg", [x], name="second")
    last = lite("AddFusion", [first.outputs[0], second.outputs[0]], name="last")
    sample = model([second, last, first], [x], last.outputs)
    assert schedule(sample)
    assert [node.name for node in sample.main.nodes] == ["second", "first", "last"]


def test_nodes_that_wait_for_each_other_are_a_located_problem() -> None:
    x = value("x", 2, 3)
    first, second = lite("Abs", [x], name="first"), lite("Neg", [x], name="second")
    first.after, second.after = (second,), (first,)
    with pytest.raises(ConversionError) as caught:
        schedule(model([first, second], [x], [*first.outputs, *second.outputs]))
    assert [(problem.code, problem.node) for problem in caught.value.problems] == [
        ("E205", "first"),
        ("E205", "second"),
    ]


def test_side_effects_are_ordered_once() -> None:
    """A second run used to say that it had changed something."""
    sample = late_reader()
    sample.stage = Stage.SOURCE
    order_side_effects(sample)
    assert not order_side_effects(sample)
