"""Optimizers that the device has no kernel for, against their formulas in float64; one weight, one gradient per step.

The zoo compares whole models with MindSpore; here is what MindSpore's CPU kernels ignore or get wrong, and what no
recorded model shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.graphs import constant, literal, model, node, numbered, value

from converter.ir import Model, Node, Stage, Value
from converter.passes.base import Modes
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.reference import train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from support.zoo import Array

    from converter.ir import Attr
    from converter.reference import TrainResult

SHAPE = (3, 5)
STEPS = 4
GRADIENT = np.random.default_rng(11).normal(size=SHAPE).astype(np.float32)


@dataclass
class Step:
    """A training step: one weight `w`, whose gradient is the input; the loss does not depend on the weight."""

    gradient: Value
    weight: Value
    nodes: list[Node]

    @classmethod
    def new(cls) -> Step:
        gradient = value("gradient", *SHAPE)
        square = node("Square", [gradient], name="Gradients/square")
        loss = node(
            "ReduceMean", [square.outputs[0], literal(())], [value("loss")], {"keep_dims": False}, name="_loss_fn"
        )
        return cls(gradient, constant("w", *SHAPE, seed=3), [square, loss])

    def add(
        self,
        op: str,
        inputs: Sequence[Value],
        attrs: Mapping[str, Attr] | None = None,
        outputs: Sequence[Value] | None = None,
        after: tuple[Node, ...] = (),
    ) -> Node:
        name = f"optimizer/{op}_{len(self.nodes)}"
        made = node(op, inputs, outputs, attrs, name=name, after=after)
        self.nodes.append(made)
        return made

    def converted(self) -> Model:
        tiny = model(self.nodes, [self.gradient], [self.nodes[1].outputs[0]], Stage.SOURCE)
        run_passes(tiny, PIPELINE, modes=Modes.TRAINING, verify_each=True)
        return tiny

    def trained(self, steps: int = STEPS) -> dict[str, Array]:
        return trained(self.converted(), steps).constants


def trained(tiny: Model, steps: int = STEPS) -> TrainResult:
    return train(tiny, [GRADIENT], steps)


def number(name: str, amount: float) -> Value:
    return numbered(name, np.array(amount, np.float32))


def zeros(name: str) -> Value:
    return numbered(name, np.zeros(SHAPE, np.float32))


def numbers(found: Value) -> Array:
    assert found.const is not None
    return found.const.array().astype(np.float64)


def follow(weight: Value, rule: Callable[[Array, Array], Array], steps: int = STEPS) -> Array:
    """The weight after some steps of a formula."""
    result = numbers(weight)
    for _ in range(steps):
        result = rule(result, GRADIENT.astype(np.float64))
    return result


def assert_close(found: Array, expected: Array) -> None:
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6)


def rate_of(tiny: Model) -> float:
    return float(numbers(next(each for each in tiny.main.nodes if each.op == "SGD").inputs[2]).reshape(-1)[0])


def test_ftrl_shrinks_negative_weights_as_documented_not_as_the_cpu_kernel_does() -> None:
    rate, l1, l2 = 0.05, 0.4, 0.02
    step = Step.new()
    slot, linear = numbered("accum", np.full(SHAPE, 0.1, np.float32)), zeros("linear")
    arguments = [number(name, amount) for name, amount in (("lr", rate), ("l1", l1), ("l2", l2), ("power", -0.5))]
    step.add("ApplyFtrl", [step.weight, slot, linear, step.gradient, *arguments])
    total, line = np.full(SHAPE, 0.1), np.zeros(SHAPE)

    def rule(weight: Array, gradient: Array) -> Array:
        nonlocal total, line
        new = total + gradient**2
        line = line + gradient - (np.sqrt(new) - np.sqrt(total)) / rate * weight
        total = new
        return (np.clip(line, -l1, l1) - line) / (np.sqrt(total) / rate + 2 * l2)

    expected = follow(step.weight, rule)
    assert (line < -l1).any()
    assert_close(step.trained()["w"], expected)


def test_proximal_adagrad_shrinks_by_both_penalties() -> None:
    rate, l1, l2 = 0.1, 0.2, 0.3
    step = Step.new()
    slot = numbered("accum", np.full(SHAPE, 0.1, np.float32))
    arguments = [number(name, amount) for name, amount in (("lr", rate), ("l1", l1), ("l2", l2))]
    step.add("ApplyProximalAdagrad", [step.weight, slot, *arguments, step.gradient])
    total = np.full(SHAPE, 0.1)

    def rule(weight: Array, gradient: Array) -> Array:
        nonlocal total
        total = total + gradient**2
        pace = rate / np.sqrt(total)
        new = weight - pace * gradient
        return np.sign(new) / (1 + l2 * pace) * np.maximum(np.abs(new) - pace * l1, 0)

    assert_close(step.trained()["w"], follow(step.weight, rule))


def test_proximal_descent_shrinks_by_both_penalties() -> None:
    rate, l1, l2 = 0.1, 0.2, 0.3
    step = Step.new()
    arguments = [number(name, amount) for name, amount in (("lr", rate), ("l1", l1), ("l2", l2))]
    step.add("ApplyProximalGradientDescent", [step.weight, *arguments, step.gradient])

    def rule(weight: Array, gradient: Array) -> Array:
        new = weight - rate * gradient
        return np.sign(new) / (1 + l2 * rate) * np.maximum(np.abs(new) - rate * l1, 0)

    assert_close(step.trained()["w"], follow(step.weight, rule))


def test_nesterov_momentum_looks_ahead_although_the_cpu_kernel_does_not() -> None:
    step = Step.new()
    inputs = [step.weight, zeros("moment"), number("lr", 0.1), step.gradient, number("momentum", 0.9)]
    step.add("ApplyMomentum", inputs, {"use_nesterov": True, "gradient_scale": 0.5})
    moment = np.zeros(SHAPE)

    def rule(weight: Array, gradient: Array) -> Array:
        nonlocal moment
        moment = moment * 0.9 + gradient * 0.5
        return weight - 0.1 * (moment * 0.9 + gradient * 0.5)

    assert_close(step.trained()["w"], follow(step.weight, rule))


def test_adagrad_v2_adds_its_epsilon_outside_the_root() -> None:
    step = Step.new()
    inputs = [step.weight, zeros("accum"), number("lr", 0.1), step.gradient]
    step.add("ApplyAdagradV2", inputs, {"epsilon": 0.25, "update_slots": True})
    total = np.zeros(SHAPE)

    def rule(weight: Array, gradient: Array) -> Array:
        nonlocal total
        total = total + gradient**2
        return weight - 0.1 * gradient / (np.sqrt(total) + 0.25)

    assert_close(step.trained()["w"], follow(step.weight, rule))


def test_gradient_descent_is_one_node() -> None:
    step = Step.new()
    step.add("ApplyGradientDescent", [step.weight, number("lr", 0.1), step.gradient])
    tiny = step.converted()
    assert [each.op for each in tiny.main.nodes if each.name.startswith("optimizer")] == ["SGD"]
    assert rate_of(tiny) == pytest.approx(0.1)
    assert_close(trained(tiny).constants["w"], follow(step.weight, lambda w, g: w - 0.1 * g))


def test_lars_clips_its_trust_by_the_rate() -> None:
    step = Step.new()
    sums = step.add("SquareSumAll", [step.weight, step.gradient], outputs=[value("ww"), value("gg")])
    update = step.add(
        "LARSUpdate",
        [step.weight, step.gradient, *sums.outputs, number("decay", 0.1), number("lars_lr", 0.5)],
        {"epsilon": 1e-5, "hyperpara": 0.9, "use_clip": True},
        [value("scaled", *SHAPE)],
    )
    step.add("ApplyGradientDescent", [step.weight, number("lr", 0.1), update.outputs[0]], after=(sums, update))

    def rule(weight: Array, gradient: Array) -> Array:
        size, length = np.linalg.norm(weight), np.linalg.norm(gradient)
        trust = min(0.9 * size / (length + 0.1 * size + 1e-5) / 0.5, 1.0)
        return np.asarray(weight - 0.1 * trust * (gradient + 0.1 * weight))

    assert_close(step.trained()["w"], follow(step.weight, rule))


def test_lars_leaves_the_gradient_of_a_zero_weight_alone() -> None:
    step = Step.new()
    step.weight = zeros("w")
    sums = step.add("SquareSumAll", [step.weight, step.gradient], outputs=[value("ww"), value("gg")])
    inputs = [step.weight, step.gradient, *sums.outputs, number("decay", 0.0), number("lars_lr", 0.5)]
    attrs: dict[str, Attr] = {"epsilon": 1e-5, "hyperpara": 0.9, "use_clip": False}
    update = step.add("LARSUpdate", inputs, attrs, [value("scaled", *SHAPE)])
    step.add("ApplyGradientDescent", [step.weight, number("lr", 0.1), update.outputs[0]], after=(sums, update))
    assert_close(step.trained(1)["w"], -0.1 * GRADIENT)


def test_a_moment_that_holds_the_rate_is_resumed_without_it() -> None:
    step = Step.new()
    moment = constant("moment", *SHAPE, seed=5)
    arguments = [number(name, amount) for name, amount in (("rho", 0.8), ("momentum", 0.7), ("epsilon", 1e-3))]
    step.add("ApplyRMSProp", [step.weight, zeros("ms"), moment, number("lr", 0.1), step.gradient, *arguments])
    tiny = step.converted()
    square, held = np.zeros(SHAPE), numbers(moment)

    def rule(weight: Array, gradient: Array) -> Array:
        nonlocal square, held
        square = square * 0.8 + gradient**2 * 0.2
        held = held * 0.7 + 0.1 * gradient / np.sqrt(square + 1e-3)
        return weight - held

    expected = follow(step.weight, rule)
    result = trained(tiny).constants
    assert rate_of(tiny) == pytest.approx(0.1)
    assert_close(result["w"], expected)
    assert_close(result["moment.over_rate"] * 0.1, held)


def counted(step: Step, *, is_first: bool = False) -> tuple[Value, Node]:
    """An int32 step counter, with the node that counts."""
    counter = numbered("global_step", np.zeros(1, np.int32))
    one = numbered("one", np.ones(1, np.int32))
    if is_first:
        return counter, step.add("AssignAdd", [counter, one])
    return counter, node("AssignAdd", [counter, one], name="optimizer/count")


def scheduled(step: Step, table: Sequence[float]) -> Value:
    """A learning rate from a table by the step counter."""
    counter, count = counted(step)
    rates = numbered("learning_rate", np.array(table, np.float32))
    row = step.add("Gather", [rates, counter, literal(0)], {"batch_dims": 0}, [value("row", 1)])
    rate = step.add("Reshape", [row.outputs[0], literal(())], outputs=[value("rate")])
    step.nodes.append(count)
    count.after = (row,)
    return rate.outputs[0]


def test_dampening_spares_the_first_gradient_of_a_scheduled_sgd() -> None:
    step, table = Step.new(), [0.02, 0.1, 0.05, 0.01]
    rate, stat = scheduled(step, table), numbered("stat", np.ones(SHAPE, np.float32))
    inputs = [step.weight, step.gradient, rate, zeros("accum"), number("momentum", 0.9), stat]
    step.add("SGD", inputs, {"dampening": 0.3, "nesterov": False, "weight_decay": 0.05})
    turn, moment = 0, np.zeros(SHAPE)

    def rule(weight: Array, gradient: Array) -> Array:
        nonlocal turn, moment
        gradient = gradient + 0.05 * weight
        moment = moment * 0.9 + gradient * (0.7 if turn else 1.0)
        turn += 1
        return weight - table[turn - 1] * moment

    expected = follow(step.weight, rule)
    assert_close(step.trained()["w"], expected)


def test_a_schedule_keeps_its_peak_in_the_rate_of_the_file_and_its_last_value_for_ever() -> None:
    step, table = Step.new(), [0.0, 0.1, 0.05]
    rate = scheduled(step, table)
    step.add("ApplyMomentum", [step.weight, zeros("moment"), rate, step.gradient, number("momentum", 0.0)])
    tiny = step.converted()
    assert rate_of(tiny) == pytest.approx(0.1)
    rates = iter([0.0, 0.1, 0.05, 0.05, 0.05, 0.05])
    expected = follow(step.weight, lambda w, g: w - next(rates) * g, 6)
    assert_close(trained(tiny, 6).constants["w"], expected)
    assert any("changes from step to step" in note.message for note in tiny.notes)


def test_a_rate_that_the_step_itself_changes_is_followed() -> None:
    step = Step.new()
    rate = number("learning_rate", 0.1)
    inputs = [step.weight, zeros("moment"), rate, step.gradient, number("momentum", 0.0)]
    update = step.add("ApplyMomentum", inputs)
    less = step.add("Mul", [rate, number("half", 0.5)])
    step.add("Assign", [rate, less.outputs[0]], after=(update, less))
    rates = iter([0.1, 0.05, 0.025, 0.0125])
    assert_close(step.trained()["w"], follow(step.weight, lambda w, g: w - next(rates) * g))


def test_a_counter_that_is_read_after_it_counted_has_the_new_value() -> None:
    step = Step.new()
    counter, count = counted(step, is_first=True)
    now = step.add("Cast", [counter, literal(43)], outputs=[value("now", 1)], after=(count,))
    scaled = step.add("Mul", [step.gradient, now.outputs[0]])
    step.add("ApplyGradientDescent", [step.weight, number("lr", 0.1), scaled.outputs[0]])
    turns = iter([1.0, 2.0, 3.0, 4.0])
    result = step.trained()
    assert_close(result["w"], follow(step.weight, lambda w, g: w - 0.1 * next(turns) * g))
    assert result["global_step"].tolist() == [4.0]


def test_weight_decay_does_not_change_a_gradient_that_others_read() -> None:
    step = Step.new()
    moment = zeros("other")
    inputs = [step.weight, step.gradient, number("lr", 0.1), zeros("accum"), number("momentum", 0.0), zeros("stat")]
    step.add("SGD", inputs, {"dampening": 0.0, "nesterov": False, "weight_decay": 0.5})
    step.add("Assign", [moment, step.gradient])
    result = step.trained()
    assert_close(result["w"], follow(step.weight, lambda w, g: w - 0.1 * (g + 0.5 * w)))
    assert_close(result["other"], GRADIENT)


def test_a_weight_trained_by_assign_becomes_a_trainable_parameter() -> None:
    step = Step.new()
    product = step.add("MatMul", [step.gradient, step.weight], {"transpose_b": True}, [value("product", 3, 3)])
    loss = step.add("ReduceMean", [product.outputs[0], literal(())], {"keep_dims": False}, [value("_loss_fn")])
    direction = node("Square", [step.gradient], name="Gradients/direction")
    step.nodes.append(direction)
    change = step.add("Mul", [number("lr", 0.1), direction.outputs[0]], outputs=[value("change", *SHAPE)])
    step.add("AssignSub", [step.weight, change.outputs[0]], after=(product,))
    tiny = model(step.nodes[2:], [step.gradient], [loss.outputs[0]], Stage.SOURCE)
    run_passes(tiny, PIPELINE, modes=Modes.TRAINING, verify_each=True)
    assert "Assign" not in {each.op for each in tiny.main.nodes}
    assert rate_of(tiny) == pytest.approx(0.1)
    assert_close(trained(tiny).constants["w"], follow(step.weight, lambda w, g: w - 0.1 * g**2))


def test_the_user_is_told_once_what_virtual_batches_do() -> None:
    step = Step.new()
    other = constant("v", *SHAPE, seed=9)
    for weight in (step.weight, other):
        inputs = [weight, zeros(f"accum.{weight.name}"), number("lr", 0.1), step.gradient]
        step.add("ApplyAdagrad", inputs, {"update_slots": True})
    notes = [note.message for note in step.converted().notes]
    assert sum("virtual batches" in note for note in notes) == 1
    assert not any("not linear" in note for note in notes)


def test_a_dynamic_loss_scale_does_not_grow_without_end() -> None:
    step = Step.new()
    scale = number("scale_sense", 64.0)
    doubled = step.add("Mul", [scale, number("two", 2.0)])
    name = "loss_scaling_manager-DynamicLossScaleUpdateCell/Assign"
    step.nodes.append(node("Assign", [scale, doubled.outputs[0]], name=name, after=(doubled,)))
    scaled = step.add("Mul", [step.gradient, scale])
    step.add("ApplyGradientDescent", [step.weight, number("lr", 0.1), scaled.outputs[0]])
    tiny = step.converted()
    assert [each.op for each in tiny.main.nodes if "optimizer" in each.name] == ["MulFusion", "SGD"]
    assert any("loss scale keeps its value" in note.message for note in tiny.notes)
    assert_close(trained(tiny, 2).constants["w"], follow(step.weight, lambda w, g: w - 6.4 * g, 2))
