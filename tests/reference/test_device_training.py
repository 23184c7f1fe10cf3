"""Replays of the device's training records: 55 nets and the files of its quirks, step by step and kernel by kernel."""

from __future__ import annotations

import numpy as np
import pytest
from recordings import LOSS_TOLERANCE, NAMES, TENSOR_TOLERANCE, Record, Watch, difference, floor_of

from converter.errors import ConversionError
from converter.reference import execution_order
from converter.reference.roles import roles
from converter.reference.schedule import unscheduled

RECORDS = [(kind, name) for kind in ("train", "quirks") for name in NAMES[kind]]
# The gradient of a key's bias in attention is zero: softmax does not see a number added to a whole row. What the
# device stores there is rounding alone, at 1e-14.
ROUNDING_ONLY = {"net.k.0.bias", "net.k.1.bias", "moments.net.k.0.bias", "moments.net.k.1.bias"}
ROUNDING_LIMIT = 1e-12
LEFTOVER = ("lstm_train", "trace/10/4")
# The records' own notes: only step 0 has its mask; LSTMGrad reads memory that nobody wrote.
DEFINED_STEPS = {"layer_dropout_train": 1, "lstm_train": 1}
UNDEFINED_CONSTANTS = {"lstm_train"}


@pytest.fixture(params=RECORDS, ids=[name for _, name in RECORDS])
def record(request: pytest.FixtureRequest) -> Record:
    return Record(*request.param)


def test_there_are_as_many_records_as_the_device_made() -> None:
    assert len(NAMES["train"]) == 55
    assert len(NAMES["quirks"]) == 18


def test_execution_order_and_roles(record: Record) -> None:
    graph = record.model.main
    lists = roles(graph)
    assert [[node.name, node.op, lists.flags(node)] for node in lists.order] == record.facts["order"]
    assert [node.name for node in execution_order(graph)] == [row[0] for row in record.facts["order"]]
    outside = set(record.facts["unscheduled"]) - {node.name for node in graph.nodes}
    assert [node.name for node in unscheduled(graph)] == [
        name for name in record.facts["unscheduled"] if name not in outside
    ]
    assert len(lists.eval_order) == record.facts["eval_kernels"]
    assert sorted(value.name for value in lists.train_outputs) == sorted(record.facts["outputs"])


def test_every_step(record: Record) -> None:
    session = record.session()
    scales = Watch(session).scales
    steps = DEFINED_STEPS.get(record.name, record.facts["steps"])
    for step in range(steps):
        result = session.step(record.inputs)
        _check_outputs(record, step, result.outputs)
        if step == 0 and record.name not in UNDEFINED_CONSTANTS:
            _check_constants(record, "after1/", session.constants(), scales)
    if steps == record.facts["steps"]:
        _check_constants(record, "final/", session.constants(), scales)
        _check_unchanged(record, session.constants())
        for index, name in enumerate(record.facts["eval_outputs"]):
            outputs = session.evaluate(record.inputs)
            assert difference(outputs[name], record.arrays[f"eval{index}"]) <= TENSOR_TOLERANCE, name


def _check_outputs(record: Record, step: int, outputs: dict[str, np.ndarray]) -> None:
    for index, name in enumerate(record.facts["outputs"]):
        wanted = record.arrays[f"out{index}"][step]
        assert outputs[name].shape == wanted.shape
        assert difference(outputs[name], wanted) <= TENSOR_TOLERANCE, name
    for index, name in enumerate(record.facts["losses"]):
        wanted = record.arrays["losses"][step][index]
        assert outputs[name].reshape(-1)[0] == pytest.approx(wanted, rel=LOSS_TOLERANCE)


def _check_constants(record: Record, prefix: str, constants: dict[str, np.ndarray], scales: dict[str, float]) -> None:
    for name, wanted in record.group(prefix).items():
        if name in ROUNDING_ONLY:
            assert np.abs(constants[name] - wanted).max() <= ROUNDING_LIMIT
            continue
        gap = difference(constants[name], wanted, floor_of(scales.get(name, 0.0)))
        assert gap <= TENSOR_TOLERANCE, f"{prefix}{name}"


def _check_unchanged(record: Record, constants: dict[str, np.ndarray]) -> None:
    """A constant that the record does not list has the bits of the file."""
    listed = record.group("final/")
    for value in record.model.main.constants():
        if value.name not in listed and value.const is not None:
            np.testing.assert_array_equal(constants[value.name], value.const.array(), err_msg=value.name)


def test_every_kernel_on_the_recorded_inputs(record: Record) -> None:
    """Each kernel alone: what it reads is what the device's earlier kernels wrote."""
    session = record.session()
    watch = Watch(session, record.group_of_traces())
    session.step(record.inputs)
    for position, node in enumerate(session.roles.order):
        for index in range(len(node.outputs)):
            name = f"trace/{position}/{index}"
            if name not in record.arrays or (record.name, name) == LEFTOVER:
                continue
            got, wanted = watch.results[name], record.arrays[name]
            assert got is not None, f"{node} writes nothing"
            assert got.shape == wanted.shape, node
            assert difference(got, wanted, floor_of(watch.kernels[position])) <= TENSOR_TOLERANCE, node


def test_eval_of_a_net_whose_forward_node_carries_a_loss_name_is_refused() -> None:
    """The eval graph leaves the node out; the device fails in the Sqrt behind it (quirk eval_cut_by_loss_name)."""
    record = Record("train", "layer_groupnorm_train")
    session = record.session()
    session.step(record.inputs)
    with pytest.raises(ConversionError, match=r"E602.*reads .*, which nothing has written"):
        session.evaluate(record.inputs)


def test_an_lstm_that_does_not_train_leaves_old_memory_in_its_last_output() -> None:
    """The one trace that no kernel wrote: it is a piece of a weight that lay there before."""
    arrays = Record("train", LEFTOVER[0]).arrays
    found, memory = arrays[LEFTOVER[1]].reshape(-1), arrays["trace/8/0"].reshape(-1)
    assert any(np.array_equal(memory[start : start + found.size], found) for start in range(memory.size))
