"""Sample models for passes: tiny ones that show one thing each, and real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Attr, DType, Model, Stage
from converter.mindir.frontend import read_mindir
from support.graphs import constant, lite, literal, model, node, numbered, value
from support.zoo import DATA, LENET, LENET_INFERENCE, Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SQUARE: Mapping[str, Attr] = {"stride": (1, 1), "dilation": (1, 1), "group": 1, "mode": 1}


def convolution() -> Model:
    """A convolution with bias and activation between an image and a Reshape that needs MindIR's order."""
    x = value("x", 2, 3, 11, 13)
    kernel, bias = constant("conv.weight", 5, 3, 3, 3), constant("conv.bias", 5)
    attrs: dict[str, Attr] = {
        "pad_mode": "valid",
        "stride": (1, 1),
        "dilation": (1, 1),
        "group": 1,
        "mode": 1,
        "out_channel": 5,
    }
    conv = node("Conv2D", [x, kernel], [value("conv", 2, 5, 9, 11)], {**attrs, "kernel_size": (3, 3)})
    biased = node("BiasAdd", [conv.outputs[0], bias], attrs={"format": "NCHW"})
    active = node("ReLU", [biased.outputs[0]])
    flat = node("Reshape", [active.outputs[0], literal((2, -1))], [value("flat", 2, 495)])
    return model([conv, biased, active, flat], [x], flat.outputs, Stage.SOURCE)


def residual() -> Model:
    """Two convolutions whose results meet in an Add: no transpose belongs between them."""
    x = value("x", 2, 3, 7, 5)
    attrs: dict[str, Attr] = {
        "pad_mode": "same",
        "stride": (1, 1),
        "dilation": (1, 1),
        "group": 1,
        "mode": 1,
        "out_channel": 3,
    }
    first = node("Conv2D", [x, constant("a.weight", 3, 3, 3, 3)], attrs=attrs, name="a")
    second = node("Conv2D", [first.outputs[0], constant("b.weight", 3, 3, 3, 3)], attrs=attrs, name="b")
    total = node("Add", [second.outputs[0], first.outputs[0]])
    return model([first, second, total], [x], total.outputs, Stage.SOURCE)


def block() -> Model:
    """What fusions are for: batch norm and ReLU behind a convolution, a product with bias, SiLU, reshapes in a row."""
    x = value("x", 2, 3, 11, 7)
    attrs: dict[str, Attr] = {**SQUARE, "pad_mode": "valid", "out_channel": 5, "kernel_size": (3, 3)}
    conv = node("Conv2D", [x, constant("conv.weight", 5, 3, 3, 3)], [value("conv", 2, 5, 9, 5)], attrs)
    variance = numbered("bn.moving_variance", np.linspace(0.5, 2, 5, dtype=np.float32))
    parameters = [constant(f"bn.{name}", 5, seed=seed) for seed, name in enumerate(("gamma", "beta", "moving_mean"))]
    norms = [value("norm", 2, 5, 9, 5), *(value(f"norm/{place}", 5) for place in range(1, 5))]
    norm = node(
        "BatchNorm",
        [conv.outputs[0], *parameters, variance],
        norms,
        {"is_training": False, "epsilon": 1e-3, "momentum": 0.1, "format": "NCHW"},
    )
    active = node("ReLU", [norms[0]])
    first = node("Reshape", [active.outputs[0], literal((2, 45, 5))], [value("first", 2, 45, 5)], name="first")
    second = node("Reshape", [first.outputs[0], literal((90, 5))], [value("second", 90, 5)], name="second")
    weight = constant("dense.weight", 7, 5)
    transposed: dict[str, Attr] = {"transpose_a": False, "transpose_b": True}
    product = node("MatMul", [second.outputs[0], weight], [value("product", 90, 7)], transposed)
    biased = node("BiasAdd", [product.outputs[0], constant("dense.bias", 7)], attrs={"format": "NCHW"})
    gate = node("Sigmoid", [biased.outputs[0]])
    silu = node("Mul", [biased.outputs[0], gate.outputs[0]])
    nodes = [conv, norm, active, first, second, product, biased, gate, silu]
    return model(nodes, [x], silu.outputs, Stage.SOURCE)


def dead_code() -> Model:
    """A node that nobody reads, behind one that only it reads."""
    x = value("x", 2, 3)
    used, unused = node("Abs", [x]), node("Neg", [x])
    return model([used, unused, node("Square", unused.outputs)], [x], used.outputs, Stage.SOURCE)


def wide_types() -> Model:
    """64-bit numbers, which the device does not have."""
    x = value("x", 2, 3, dtype=DType.INT64)
    added = node(
        "Add", [x, numbered("offsets", np.array([[2, 3, 5]], np.int64))], [value("sum", 2, 3, dtype=DType.INT64)]
    )
    return model([added], [x], added.outputs, Stage.SOURCE)


def reader_after_load() -> Model:
    """A variable is loaded, then overwritten, and the loaded number is read at the end."""
    x, variable = value("x", 2, 3), constant("state", 2, 3)
    load = node("Load", [variable], [value("loaded", 2, 3)])
    write = node("Assign", [variable, x], after=(load,))
    total = node("Add", [load.outputs[0], x], name="total")
    return model([load, write, total], [x], total.outputs, Stage.SOURCE)


def reader_after_write() -> Model:
    """A variable is overwritten and then read, in the order of the tokens alone."""
    x, variable = value("x", 2, 3), constant("state", 2, 3)
    write = node("Assign", [variable, x])
    load = node("Load", [variable], [value("loaded", 2, 3)], after=(write,))
    total = node("Add", [load.outputs[0], x], name="total")
    return model([write, load, total], [x], total.outputs, Stage.SOURCE)


def constant_arithmetic() -> Model:
    """A product of constants, and one with a variable that the step overwrites."""
    x, variable = value("x", 2, 3), constant("state", 2, 3)
    product = lite("MulFusion", [constant("a", 2, 3), constant("b", 2, 3, seed=5)], name="product")
    scaled = lite("MulFusion", [variable, constant("c", 2, 3, seed=3)], name="scaled")
    total = lite("AddFusion", [product.outputs[0], scaled.outputs[0]], name="total")
    summed = lite("AddFusion", [total.outputs[0], x], name="summed")
    write = lite("Assign", [variable, x], [value("write", 1)])
    write.after = (scaled,)
    return model([product, scaled, total, summed, write], [x], summed.outputs)


def late_reader() -> Model:
    """The hazard: an optimizer is ready at once on the device, and a reader of its weight comes much later."""
    x, gradient = value("x", 2, 3), value("gradient", 2, 3)
    weight, slot = constant("weight", 2, 3), constant("moments.weight", 2, 3, seed=5)
    rate, momentum = numbered("rate", np.array(0.5, np.float32)), numbered("momentum", np.array(0.25, np.float32))
    operands = [weight, slot, rate, gradient, momentum]
    update = lite("ApplyMomentum", operands, [value("update", 1)], gradient_scale=1.0)
    first = lite("Abs", [x], name="first")
    second = lite("Abs", [first.outputs[0]], name="second")
    reader = lite("MulFusion", [second.outputs[0], weight], name="reader")
    update.after = (reader,)
    return model([first, second, reader, update], [x, gradient], reader.outputs)


def same_names() -> Model:
    """Nodes and tensors that share names, and one without any."""
    x = value("x", 2, 3)
    first = lite("Abs", [x], name="same")
    second = lite("Neg", first.outputs, name="same")
    third = lite("AddFusion", [second.outputs[0], numbered("", np.array([2.0], np.float32))], name="same")
    return model([first, second, third], [x], third.outputs)


def with_control_flow(case: str) -> Callable[[], Model]:
    return lambda: read_mindir(DATA.parent / "flow" / "ms200" / f"{case}.mindir")


def recorded(recording: Recording) -> Callable[[], Model]:
    return lambda: read_mindir(recording.model)


TINY: Mapping[str, Callable[[], Model]] = {
    each.__name__: each
    for each in (
        convolution,
        residual,
        block,
        dead_code,
        wide_types,
        reader_after_load,
        reader_after_write,
        constant_arithmetic,
        late_reader,
        same_names,
    )
}
REAL: Mapping[str, Callable[[], Model]] = {
    str(each): recorded(each)
    for each in (LENET, LENET_INFERENCE, Recording("ms270", "lenet_adam_onehot"), Recording("ms200", "lenet_sgd_mse"))
}
FLOW: Mapping[str, Callable[[], Model]] = {
    case: with_control_flow(case) for case in ("flow_images", "flow_calls", "dynamic_tokens")
}
SAMPLES: Mapping[str, Callable[[], Model]] = {**TINY, **REAL, **FLOW}
