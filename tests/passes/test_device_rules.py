"""Every trap that was measured on the device, as the smallest graph that falls into it: none of them is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.graphs import lite, model, numbered, value

from converter.errors import ConversionError
from converter.ir import DType, Layout
from converter.passes.check.device import check_device_rules
from converter.passes.check.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Attr, Model, Node, Value

SIGMOID, RELU, ELU, TANH, GELU = 2, 1, 4, 10, 19
# What a convolution must say, so that only the trap under test is wrong with it.
CONV = {"stride": (1, 1), "dilation": (1, 1), "kernel_size": (3, 3), "pad_list": (0, 0, 0, 0), "group": 1}


def numbers(name: str, *shape: int) -> Value:
    return numbered(name, np.ones(shape, np.float32))


def trained(weight: Value, **changes: Attr) -> list[Node]:
    """An optimizer that updates `weight`."""
    shape = weight.type.shape or ()
    slots = [numbers(f"{weight.name}.{name}", *shape) for name in ("moments", "gradient")]
    rate, momentum = numbers("learning_rate"), numbers("momentum")
    inputs = [weight, slots[0], rate, slots[1], momentum]
    return [lite("ApplyMomentum", inputs, [value("update", 1)], name="update", **{"gradient_scale": 1.0, **changes})]


def graph(node: Node, others: Sequence[Node] = ()) -> Model:
    """A model of one node under test, with all its results as outputs, and others beside it."""
    inputs = [each for each in node.inputs if each.const is None and each.producer is None]
    made = [*node.outputs, *(each for other in others for each in other.outputs)]
    return model([node, *others], inputs, made)


def bias(op: str) -> Model:
    b = numbers("bias", 7)
    shapes = ((1, 5, 5, 3), (7, 3, 3, 3)) if op == "Conv2DFusion" else ((2, 3), (3, 7))
    attrs = CONV if op == "Conv2DFusion" else {}
    return graph(lite(op, [value("x", *shapes[0]), numbers("w", *shapes[1]), b], name="node", **attrs), trained(b))


def operand() -> Model:
    w = numbers("w", 7)
    return graph(lite("MulFusion", [value("x", 5, 7), w], name="node"), trained(w))


def scale() -> Model:
    w = numbers("w", 7)
    return graph(lite("ScaleFusion", [value("x", 5, 7), w, numbers("b", 7)], name="node", axis=1), trained(w))


def convolution(trainable: int = 0, **attrs: Attr) -> Model:
    w = numbers("w", 6, 3, 3, 3)
    node = lite("Conv2DFusion", [value("x", 1, 5, 5, 6), w], name="node", **{**CONV, **attrs})
    return graph(node, trained(w) if trainable else ())


def activation(kind: int) -> Model:
    w = numbers("w", 5, 7)
    return graph(lite("Activation", [w], name="node", activation_type=kind), trained(w))


def swapped(kind: int, place: int) -> Model:
    """An activation, and its gradient with the activation's result in the wrong place."""
    x, dy = value("x", 5, 7), value("dy", 5, 7)
    forward = lite("Activation", [x], name="forward", activation_type=kind)
    inputs = [dy, forward.outputs[0]] if place else [forward.outputs[0], dy]
    gradient = lite("ActivationGrad", inputs, name="node", activation_type=kind)
    return model([forward, gradient], [x, dy], gradient.outputs)


def optimizer(op: str, places: dict[int, Value], count: int, **attrs: Attr) -> Model:
    """An optimizer whose inputs are numbers [5, 7], scalars from the third on, or as given."""
    inputs = [places.get(i, numbers(f"in{i}", *((5, 7) if i < 2 else ()))) for i in range(count)]
    return graph(lite(op, inputs, [value("out", 1)], name="node", **attrs))


def momentum(places: dict[int, Value], **attrs: Attr) -> Model:
    defaults: dict[str, Attr] = {"gradient_scale": 1.0}
    return optimizer("ApplyMomentum", {3: numbers("g", 5, 7), **places}, 5, **{**defaults, **attrs})


def lstm() -> Model:
    w = numbers("w", 1, 12, 3)
    inputs = [value("x", 4, 1, 3), w, *(numbers(name, 1, 12, 3) for name in "abcd")]
    return graph(lite("LSTM", inputs, name="node"), trained(w))


def deep_row() -> Model:
    w = numbers("w", 1501, 7)
    return graph(lite("MatMulFusion", [value("x", 1, 1501), w], [value("y", 1, 7)], name="node"), trained(w))


def batchnorm_gradient() -> Model:
    shapes = ((2, 5, 5, 3), (2, 5, 5, 3), (3,), (3,), (3,), (3,))
    inputs = [value("dy", *shapes[0]), value("x", *shapes[1]), *(numbers(f"c{i}", 3) for i in range(4))]
    return graph(lite("BatchNormGrad", inputs, name="node"))


def frozen_batchnorm() -> Model:
    gamma = numbers("gamma", 3)
    inputs = [value("x", 2, 5, 5, 3), gamma, *(numbers(f"c{i}", 3) for i in range(3))]
    return graph(lite("FusedBatchNorm", inputs, name="node", mode=0), trained(gamma))


def image(name: str, *shape: int) -> Value:
    return value(name, *shape, layout=Layout.NHWC)


def unlaid_kernel() -> Model:
    kernel = numbered("w", np.ones((6, 3, 3, 3), np.float32), Layout.NCHW)
    return graph(lite("Conv2DFusion", [image("x", 1, 5, 5, 3), kernel], name="node", **CONV))


def border_pool() -> Model:
    inputs = [image("x", 1, 5, 5, 3), image("y", 1, 3, 3, 3), image("dy", 1, 3, 3, 3)]
    return graph(lite("AvgPoolGrad", inputs, name="node", kernel_size=(3, 3), strides=(2, 2), pad_mode=1))


def one(op: str, *inputs: Value, **attrs: Attr) -> Callable[[], Model]:
    return lambda: graph(lite(op, inputs, name="node", **attrs))


X = (5, 7)
TRAPS: dict[str, list[Callable[[], Model]]] = {
    "input-count": [one("Assign", value("x", *X), value("y", *X), value("z", *X))],
    "output": [lambda: model([lite("Abs", [value("x", *X)], [], name="node")], [], [])],
    "bias-stays-old": [lambda: bias("Conv2DFusion"), lambda: bias("MatMulFusion")],
    "operand-stays-old": [operand],
    "scale-stays-old": [scale, frozen_batchnorm],
    "constant-exponent": [one("PowFusion", value("x", *X), value("exponent"))],
    "clip-bounds": [one("Clip", value("x", *X), min=0.0, max=6.0)],
    "two-numbers": [lambda: convolution(dilation=(1, 1, 2, 2)), lambda: convolution(pad_list=None)],
    "grouped-kernel": [lambda: convolution(1, group=2)],
    "elu-gradient": [one("ActivationGrad", value("dy", *X), value("y", *X), activation_type=ELU)],
    "tanh-kernel": [lambda: activation(TANH), lambda: activation(GELU)],
    "gradient-order": [lambda: swapped(TANH, 1), lambda: swapped(SIGMOID, 1), lambda: swapped(RELU, 0)],
    "loss-and-gradient": [one("SoftmaxCrossEntropyWithLogits", value("x", *X), value("y", *X))],
    "image-layout": [one("BiasAddGrad", value("dy", 2, 3, 5, 7)), unlaid_kernel],
    "pool-gradient": [border_pool],
    "slice-masks": [one("StridedSliceGrad", *(value(n, *X) for n in "abcde"), shrink_axis_mask=2)],
    "momentum-scale": [lambda: momentum({}, gradient_scale=0.5)],
    "sgd-attributes": [
        lambda: optimizer("SGD", {3: numbers("a", 5, 7), 5: numbers("s", 5, 7)}, 6, dampening=-0.1),
        lambda: optimizer("SGD", {3: numbers("a", 5, 7), 5: numbers("s", 5, 7)}, 6, nesterov=True, dampening=0.5),
    ],
    "learning-rate": [lambda: momentum({2: value("rate")}), lambda: momentum({2: numbers("rates", 3)})],
    "same-elements": [lambda: momentum({1: numbers("slot", 5, 3)})],
    "batchnorm-gradient": [batchnorm_gradient],
    "lstm-kernel": [lstm],
    "integer-division": [one("FloorDiv", value("x", *X, dtype=DType.INT32), value("y", *X, dtype=DType.INT32))],
    "known-shape": [one("ScaleFusion", value("x", -1, 5), numbers("s", 5))],
    "deep-row": [deep_row],
}
CASES = [(name, make) for name, traps in TRAPS.items() for make in traps]


def found(sample: Model) -> set[str]:
    """The rules that a model breaks, fatal or not."""
    texts = []
    try:
        check_device_rules(sample)
    except ConversionError as problems:
        texts = [problem.message for problem in problems.problems]
    texts += [note.message for note in sample.notes]
    return {text.rpartition("[")[2].rstrip("]") for text in texts if text.endswith("]")}


@pytest.mark.parametrize(("name", "make"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def test_a_measured_trap_is_not_written(name: str, make: Callable[[], Model]) -> None:
    assert name in found(make())


def test_every_rule_has_its_trap() -> None:
    assert {rule.name for rule in RULES} == set(TRAPS)


# -- rules about the graph as a whole ---------------------------------------------------------------------------------


def test_a_variable_read_after_its_update_is_refused() -> None:
    x, w = value("x", 5, 7), numbers("w", 5, 7)
    late = lite("AddFusion", [x, w], name="late")
    deep = lite("AddFusion", [late.outputs[0], w], name="deep")
    update = trained(w)
    deep.after = ()
    update[0].after = (deep,)
    assert "order" in found(model([late, deep, *update], [x], [deep.outputs[0], update[0].outputs[0]]))


def test_a_node_that_nobody_reads_is_refused() -> None:
    x = value("x", 5, 7)
    dead, alive = lite("Abs", [x], name="dead"), lite("Neg", [x], name="alive")
    assert "dead-node" in found(model([dead, alive], [x], alive.outputs))


def test_two_tensors_of_one_name_are_refused() -> None:
    x = value("x", 5, 7)
    node = lite("AddN", [x, numbers("w", 5, 7), numbers("w", 5, 7)], name="node")
    assert "names" in found(model([node], [x], node.outputs))


def test_a_part_of_the_network_with_the_name_of_a_loss_is_refused() -> None:
    """Evaluation would leave it out, and read what nobody computed."""
    x, w = value("x", 5, 7), numbers("w", 5, 7)
    cut = lite("Square", [x], name="Default/_loss_fn-GroupNorm/square")
    body = lite("Abs", cut.outputs, name="Default/body")
    loss = lite("Square", body.outputs, name="Default/_loss_fn-L2/square")
    update = trained(w)
    sample = model([cut, body, loss, *update], [x], [loss.outputs[0], update[0].outputs[0]])
    assert "eval-cut" in found(sample)
