"""What a session promises beside the numbers: memory, hooks, order, inputs, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from kernel_calls import constant, model, node, numbers, variable
from recordings import Record

from converter.errors import ConversionError
from converter.ir import DType, Layout, QuantParam
from converter.reference import Session, execution_order, run, train
from converter.reference.constants import constant_array
from converter.reference.layouts import given_shape, image_for, saved_variables
from converter.reference.schedule import unscheduled

if TYPE_CHECKING:
    from converter.ir import Model, Node


def chain(length: int) -> Model:
    """A chain of Abs nodes on [3, 5]."""
    values = [variable(f"v{i}", (3, 5)) for i in range(length + 1)]
    nodes = [node("Abs", f"abs{i}", [values[i]], [values[i + 1]]) for i in range(length)]
    return model(values[:1], values[-1:], nodes)


def training_model() -> Model:
    """w -= 0.5 * dw with dw = x^T dy, and a second reader of w behind the optimizer."""
    x, y = variable("x", (3, 5)), variable("Gradients/dw", (5, 5))
    weight, rate = constant("w", numbers(5, 5)), constant("rate", np.float32(0.5))
    slot, momentum = constant("slot", np.zeros((5, 5), np.float32)), constant("momentum", np.float32(0.9))
    done, late = variable("done", (1,)), variable("late", (5, 5))
    scaled = variable("scaled", (5, 5))
    nodes = [
        node("MatMulFusion", "Gradients/dw", [x, x], [y], transpose_a=True),
        node("ApplyMomentum", "update", [weight, slot, rate, y, momentum], [done]),
        node("Square", "square", [y], [scaled]),
        node("AddFusion", "late", [scaled, weight], [late]),
    ]
    return model([x], [late], nodes)


def test_activations_are_dropped_after_their_last_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    release = Session._run  # noqa: SLF001 - the test looks inside

    def watched(self: Session, position: int, made: Node, memory: object) -> None:
        nonlocal most
        release(self, position, made, memory)  # type: ignore[arg-type] # the session's own
        most = max(most, len(memory.values))  # type: ignore[attr-defined] # as above

    monkeypatch.setattr(Session, "_run", watched)
    Session(chain(7)).infer([numbers(3, 5)])
    assert most == 1


def test_a_hook_sees_every_kernel_and_may_replace_its_outputs() -> None:
    session = Session(chain(3))
    seen: list[int] = []

    def hook(position: int, made: Node, outputs: tuple[np.ndarray | None, ...]) -> tuple[np.ndarray, ...] | None:
        del outputs
        seen.append(position)
        return (np.full((3, 5), 7, np.float32),) if made.name == "abs1" else None

    session.on_kernel = hook
    assert (session.infer([numbers(3, 5)])["v3"] == 7).all()
    assert seen == [0, 1, 2]


def test_a_reader_behind_the_optimizer_sees_the_new_weight() -> None:
    session = Session(training_model())
    before = session.constants()["w"].copy()
    x = numbers(3, 5)
    late = session.step([x]).outputs["late"]
    dw = x.T @ x
    np.testing.assert_allclose(session.constants()["w"], before - 0.5 * dw, atol=1e-5)
    np.testing.assert_allclose(late - dw**2, session.constants()["w"], atol=1e-4)


def test_the_file_is_never_written() -> None:
    made = training_model()
    weight = made.main.nodes[1].inputs[0]
    assert weight.const is not None
    before = weight.const.array().copy()
    train(made, [numbers(3, 5)], 3)
    np.testing.assert_array_equal(weight.const.array(), before)


def test_consumers_are_released_by_output_then_in_file_order() -> None:
    x, a, b = variable("x", (3,)), variable("a", (3,)), variable("b", (3,))
    outputs = [variable(f"o{i}", (3,)) for i in range(3)]
    nodes = [
        node("Split", "split", [x], [a, b]),
        node("Abs", "reads b", [b], [outputs[0]]),
        node("Abs", "reads a", [a], [outputs[1]]),
        node("AddFusion", "reads both", [b, a], [outputs[2]]),
    ]
    order = execution_order(model([x], outputs, nodes).main)
    assert [made.name for made in order] == ["split", "reads a", "reads both", "reads b"]


def test_a_cycle_is_left_out() -> None:
    x, a, b, y = variable("x", (3,)), variable("a", (3,)), variable("b", (3,)), variable("y", (3,))
    nodes = [
        node("AddFusion", "first", [x, b], [a]),
        node("Abs", "second", [a], [b]),
        node("Abs", "free", [x], [y]),
    ]
    graph = model([x], [y], nodes).main
    assert [made.name for made in execution_order(graph)] == ["free"]
    assert [made.name for made in unscheduled(graph)] == ["first", "second"]


def test_all_problems_of_a_graph_are_reported_at_once() -> None:
    x, a, b, lost = variable("x", (3,)), variable("a", (3,)), variable("b", (3,)), variable("lost", (3,))
    made = model([x], [b], [node("Elu", "elu", [x], [a]), node("AddFusion", "add", [a, lost], [b])])
    with pytest.raises(ConversionError) as caught:
        Session(made)
    assert [(problem.code, problem.node) for problem in caught.value.problems] == [("E602", "add"), ("E602", "elu")]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], r"input 0 \(v0\) is missing"),
        ([np.zeros((3, 7), np.float32)], r"input 0 \(v0\) has the shape \[3, 7\], the model wants \[3, 5\]"),
        ([np.zeros((3, 5))], r"input 0 \(v0\) has the type float64, the model wants float32"),
    ],
)
def test_inputs_that_do_not_fit(arrays: list[np.ndarray], message: str) -> None:
    with pytest.raises(ConversionError, match=rf"E601.*{message}"):
        Session(chain(1)).infer(arrays)


def test_an_element_type_without_a_kernel_is_refused() -> None:
    x, y = variable("x", (3, 5), DType.INT64), variable("y", (5, 3), DType.INT64)
    made = model([x], [y], [node("Square", "square", [x], [y])])
    with pytest.raises(ConversionError, match=r"reads int64, for which the device has no Square kernel"):
        Session(made).infer([np.ones((3, 5), np.int64)])


def test_inputs_by_position_by_name_and_by_number_are_the_same() -> None:
    x = numbers(3, 5)
    results = [run(chain(1), given)["v1"] for given in ([x], {"v0": x}, {"in0": x})]
    assert all((result == np.abs(x)).all() for result in results)


def test_a_batch_of_any_size_runs_but_does_not_train() -> None:
    made = chain(1)
    made.main.inputs[0].type = variable("v0", (-1, 5)).type
    assert Session(made).infer([numbers(11, 5)])["v1"].shape == (11, 5)
    trained = training_model()
    trained.main.inputs[0].type = variable("x", (-1, 5)).type
    with pytest.raises(ConversionError, match=r"unknown dimension in \[-1, 5\]"):
        Session(trained)


def test_running_a_training_model_is_its_eval_graph_without_labels() -> None:
    record = Record("train", "loss_sce_sparse_mean_train")
    outputs = run(record.model, {"in0": record.inputs[0]})
    session = Session(record.model)
    assert list(outputs) == record.facts["eval_outputs"]
    np.testing.assert_array_equal(list(outputs.values())[0], next(iter(session.evaluate(record.inputs[:1]).values())))  # noqa: RUF015 - as a list


@pytest.mark.parametrize(("shape", "axis", "op"), [((3, 5), 1, "MatMulFusion"), ((3, 5), 0, "Conv2DFusion")])
def test_weights_of_weight_quantization_are_restored_per_channel(shape: tuple[int, int], axis: int, op: str) -> None:
    stored = np.random.default_rng(3).integers(-127, 128, shape).astype(np.int8)
    weight = constant("w", stored)
    params = [QuantParam(0.25 * (i + 1), i - 1, 8, 1 + 0.125 * i, 0.5 * i) for i in range(shape[axis])]
    weight.quant = tuple(params)
    made = model([], [], [node(op, "n", [variable("x", (2, 3)), weight], [variable("y", (2, 5))])])
    real = constant_array(weight, made)
    assert real.dtype == np.float32
    for i, param in enumerate(params):
        wanted = (np.take(stored, i, axis).astype(float) - param.zero_point) * param.scale
        np.testing.assert_allclose(np.take(real, i, axis), wanted * param.var_corr + param.mean_corr, rtol=1e-6)


def test_one_quantization_parameter_serves_the_whole_tensor() -> None:
    weight = constant("w", np.array([[-3, 5, 7]], np.int16))
    weight.quant = (QuantParam(0.5, 1, 16),)
    assert constant_array(weight, model([], [], [])).tolist() == [[-2, 2, 3]]


def test_parameters_that_fit_no_axis_are_refused() -> None:
    weight = constant("w", np.zeros((3, 5), np.int8))
    weight.quant = (QuantParam(1.0, 0),) * 7
    with pytest.raises(ConversionError, match=r"'w' has 7 quantization parameters and the shape \[3, 5\]"):
        constant_array(weight, model([], [], []))


@pytest.mark.parametrize(("layout", "shape"), [(Layout.NHWC, (2, 5, 7, 3)), (Layout.NCHW, (2, 3, 5, 7))])
@pytest.mark.parametrize("given", [Layout.NHWC, Layout.NCHW])
def test_images_arrive_in_the_order_that_the_model_wants(layout: Layout, shape: tuple[int, ...], given: Layout) -> None:
    value = variable("x", shape, DType.FLOAT32, layout)
    first = numbers(2, 3, 5, 7)
    last = first.transpose(0, 2, 3, 1)
    array = image_for(value, last if given == Layout.NHWC else first, given)
    np.testing.assert_array_equal(array, last if layout == Layout.NHWC else first)
    assert given_shape(value, given) == list((last if given == Layout.NHWC else first).shape)


def test_saved_kernels_and_their_slots_have_the_layout_of_the_mindir() -> None:
    kernel, slot = numbers(5, 2, 3, 7), numbers(5, 7, 2, 3, seed=1)
    weight, moment = constant("conv.weight", kernel, Layout.KHWC), constant("moments.conv.weight", slot)
    gradient = variable("g", kernel.shape)
    rate, momentum = constant("learning_rate", np.float32(0.1)), constant("momentum", np.float32(0.9))
    update = node("ApplyMomentum", "update", [weight, moment, rate, gradient, momentum], [variable("d", (1,))])
    saved = saved_variables(Session(model([gradient], [update.outputs[0]], [update])))
    assert set(saved) == {"conv.weight", "moments.conv.weight", "learning_rate", "momentum"}
    np.testing.assert_array_equal(saved["conv.weight"], kernel.transpose(0, 3, 1, 2))
    # The device keeps the slot in the kernel's memory order, whatever dimensions the file gives it.
    np.testing.assert_array_equal(saved["moments.conv.weight"], slot.reshape(kernel.shape).transpose(0, 3, 1, 2))
