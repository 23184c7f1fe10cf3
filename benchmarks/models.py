"""Models for the benchmarks, made without MindSpore: `python benchmarks/models.py KIND OUT [--width N --depth N]`.

`train` is a training step in the form that MindSpore 2.0.0 exports: LeNet as it was recorded (tests/zoo/data/ms200)
up to its second dense layer, which is repeated `depth` times at `width` units; dense layers are trained with momentum.
`infer` is a chain of 3 x 3 convolutions with biases and activations at `width` channels. The official converter reads
both. Weights are noise of a fixed seed, made while the file is written, so a model may be larger than memory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from converter._generated.mind_ir_pb2 import GraphProto, ModelProto, NodeProto, TensorProto  # noqa: E402 - path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LENET = ROOT / "tests/zoo/data/ms200"
BATCH, SIDE, CLASSES = 4, 16, 10
FLOAT, TUPLE, INT, BOOL, STRING, TENSORS, MONAD = 1, 20, 7, 9, 8, 19, 23
_BLOCK = 1 << 22
_GRAPH, _PARAMETER, _RAW_DATA = 7, 3, 9


class Builder:
    """A MindIR of one graph: parameters without their bytes, nodes, and the pool of primitives that a recording has."""

    def __init__(self, recording: str) -> None:
        """Take the header and the primitives of a recording; its graph's name stands before every name."""
        self.model = ModelProto.FromString((LENET / f"{recording}.mindir").read_bytes())
        self.old = GraphProto()
        self.old.CopyFrom(self.model.graph)
        self.graph = self.model.graph
        self.graph.Clear()
        self.graph.name = self.old.name
        self.pool = {primitive.name: primitive for primitive in self.model.primitives}
        self.count = 0

    def name(self, short: str) -> str:
        """A name inside the graph."""
        return f"{self.graph.name}:{short}"

    def parameter(self, short: str, *dims: int) -> str:
        """A float parameter; its bytes follow when the file is written."""
        name = self.name(short)
        self.graph.parameter.append(TensorProto(name=name, dims=dims, data_type=FLOAT, ref_key=short))
        return name

    def node(self, primitive: str, inputs: Sequence[str], dims: Sequence[int] | None, scope: str) -> str:
        """An operator; without dimensions its output is a token."""
        self.count += 1
        op = primitive.partition(":")[0]
        name = self.name(f"{self.count}:{op}")
        node = NodeProto(name=name, output=[name], input=inputs, op_type=f"REF::{primitive}")
        node.domain = f"Default/network-WithLossCell/_backbone-Net/{scope}/{op}-op{self.count}"
        shape = node.attribute.add(name="shape", type=MONAD if dims is None else TENSORS)
        if dims is not None:
            shape.tensors.add(dims=dims, data_type=FLOAT)
        self.graph.node.append(node)
        return name

    def write(self, path: Path) -> None:
        """Write the file; noise for weights."""
        noise = np.random.default_rng(7).standard_normal(_BLOCK // 4, np.float32).tobytes()
        parameters = list(self.graph.parameter)
        del self.graph.parameter[:]
        body = self.graph.SerializeToString()
        self.model.ClearField("graph")
        heads = [_head(parameter) for parameter in parameters]
        sizes = [4 * int(np.prod(parameter.dims, dtype=np.int64)) for parameter in parameters]
        total = len(body) + sum(len(head) + size for head, size in zip(heads, sizes, strict=True))
        with path.open("wb") as file:
            file.write(self.model.SerializeToString() + _key(_GRAPH) + _varint(total) + body)
            for head, size in zip(heads, sizes, strict=True):
                file.write(head)
                file.writelines(noise[: min(_BLOCK, size - start)] for start in range(0, size, _BLOCK))


def training(width: int, depth: int) -> Builder:
    """A training step with `depth` more dense layers of `width` units."""
    build = Builder("lenet_momentum_sparse")
    build.graph.parameter.extend(
        TensorProto(name=p.name, dims=p.dims, data_type=p.data_type, ref_key=p.ref_key)
        for p in build.old.parameter
        if not any(layer in p.name for layer in ("fc2", "fc3"))
    )
    build.graph.input.extend(build.old.input)
    build.graph.output.extend(build.old.output)
    deep = _Deep(build, width, depth)
    deep.forward()
    deep.backward()
    return build


class _Deep:
    """The recorded nodes up to the second dense layer, and what stands in place of the rest."""

    def __init__(self, build: Builder, width: int, depth: int) -> None:
        self.build, self.width, self.depth = build, width, depth
        # Units of the recording's dense layers: 120 and 84.
        self.sizes = [400, 120, *([width] * depth), CLASSES]
        self.old = list(build.old.node)
        self.start = "[ValueNode]24"
        self.layers: list[tuple[str, str]] = []

    def forward(self) -> None:
        """Recorded nodes up to the first dense layer, then ours, then the loss."""
        first = next(i for i, node in enumerate(self.old) if any("fc2.weight" in name for name in node.input))
        self.build.graph.node.extend(self.old[:first])
        x = self.old[first - 1].output[0]
        for number in range(self.depth + 1):
            last = number == self.depth
            x = self._dense(x, number, self.sizes[number + 1], self.sizes[number + 2], last=last)
        logits, labels = x, self.build.old.input[1].name
        loss, grad = "SparseSoftmaxCrossEntropyWithLogits:37", "SparseSoftmaxCrossEntropyWithLogits:39"
        self.loss = self.build.node(loss, [logits, labels], [], "_loss_fn-Loss")
        slope = self.build.node(grad, [logits, labels], [BATCH, CLASSES], "_loss_fn-Loss")
        self.slope = self.build.node("Depend:41", [slope, self.loss], [BATCH, CLASSES], "_loss_fn-Loss")

    def _dense(self, x: str, number: int, fan_in: int, fan_out: int, *, last: bool) -> str:
        build, scope = self.build, f"dense{number}-Dense"
        weight, bias = f"dense{number}.weight", f"dense{number}.bias"
        build.parameter(weight, fan_out, fan_in)
        build.parameter(bias, fan_out)
        build.parameter(f"moments.{weight}", fan_out, fan_in)
        build.parameter(f"moments.{bias}", fan_out)
        w = build.node("Load:2", [build.name(weight), self.start], [fan_out, fan_in], scope)
        y = build.node("MatMul:23", [x, w], [BATCH, fan_out], scope)
        b = build.node("Load:2", [build.name(bias), self.start], [fan_out], scope)
        y = build.node("BiasAdd:7", [y, b], [BATCH, fan_out], scope)
        self.layers.append((x, w))
        return y if last else build.node("ReLU:9", [y], [BATCH, fan_out], scope)

    def backward(self) -> None:
        """Gradients and updates, last layer first."""
        build = self.build
        loads = [node.output[0] for node in build.graph.node if node.op_type.startswith("REF::Load")]
        token = build.node("UpdateState:63", [self.start, *loads], None, "optimizer-Momentum")
        slope, done = self.slope, []
        for number in reversed(range(self.depth + 1)):
            x, w = self.layers[number]
            fan_in, fan_out = self.sizes[number + 1], self.sizes[number + 2]
            dw = build.node("MatMul:70", [slope, x], [fan_out, fan_in], f"gradDense{number}")
            db = build.node("BiasAddGrad:65", [slope], [fan_out], f"gradDense{number}")
            for kind, gradient, dims in (("bias", db, [fan_out]), ("weight", dw, [fan_out, fan_in])):
                token = self._momentum(f"dense{number}.{kind}", gradient, dims, token, done)
            dx = build.node("MatMul:43", [slope, w], [BATCH, fan_in], f"gradDense{number}")
            slope = build.node("ReluGrad:45", [dx, x], [BATCH, fan_in], f"gradReLU{number}")
        self._end(token, done)

    def _momentum(self, name: str, gradient: str, dims: list[int], token: str, done: list[str]) -> str:
        build = self.build
        rate, momentum = build.name("learning_rate"), build.name("momentum")
        slots = [build.name(name), build.name(f"moments.{name}"), rate, gradient, momentum, token]
        done.append(build.node("ApplyMomentum:67", slots, dims, "optimizer-Momentum"))
        return build.node("UpdateState:63", [token, done[-1]], None, "optimizer-Momentum")

    def _end(self, token: str, done: list[str]) -> None:
        every = self.build.node("MakeTuple:61", done, [1], "optimizer-Momentum")
        loss = self.build.node("Depend:98", [self.loss, every], [], "optimizer-Momentum")
        loss = self.build.node("Depend:98", [loss, token], [], "optimizer-Momentum")
        self.build.graph.output[0].name = loss


def inference(width: int, depth: int) -> Builder:
    """`depth` convolutions of `width` channels, each with a bias and an activation."""
    build = Builder("lenet_infer")
    build.graph.input.extend(build.old.input)
    image = build.graph.input[0]
    del image.tensor[0].dims[:]
    image.tensor[0].dims.extend([BATCH, width, SIDE, SIDE])
    pool = {name.partition(":")[0]: name for name in build.pool}
    _set(build, pool["Conv2D"], width)
    x = image.name
    for number in range(depth):
        scope, dims = f"conv{number}-Conv2d", [BATCH, width, SIDE, SIDE]
        w = build.parameter(f"conv{number}.weight", width, width, 3, 3)
        b = build.parameter(f"conv{number}.bias", width)
        x = build.node(pool["Conv2D"], [x, w], dims, scope)
        x = build.node(pool["BiasAdd"], [x, b], dims, scope)
        x = build.node(pool["ReLU"], [x], dims, scope)
    build.graph.output.extend(build.old.output)
    build.graph.output[0].name = x
    return build


def _set(build: Builder, primitive: str, width: int) -> None:
    """Turn LeNet's first convolution into one that keeps the size."""
    for attribute in build.pool[primitive].attribute:
        if attribute.name == "out_channel":
            attribute.i = width
        elif attribute.name == "kernel_size":
            for value in attribute.values:
                value.ints[0] = 3
        elif attribute.name in ("pad", "pad_list"):
            for value in attribute.values:
                value.ints[0] = 1
        elif attribute.name == "pad_mode":
            attribute.s = b"pad"
        elif attribute.name == "mode":
            attribute.i = 1


def _head(parameter: TensorProto) -> bytes:
    """A parameter up to its bytes, which come last."""
    start = parameter.SerializeToString()
    size = 4 * int(np.prod(parameter.dims, dtype=np.int64))
    tail = _key(_RAW_DATA) + _varint(size)
    return _key(_PARAMETER) + _varint(len(start) + len(tail) + size) + start + tail


def _key(number: int) -> bytes:
    return _varint(number << 3 | 2)


def _varint(number: int) -> bytes:
    return bytes(_groups(number))


def _groups(number: int) -> Iterator[int]:
    while number >= 1 << 7:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number


MAKERS = {"train": training, "infer": inference}


def main() -> None:
    """Write one model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("kind", choices=MAKERS)
    parser.add_argument("path", type=Path)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--depth", type=int, default=8)
    arguments = parser.parse_args()
    build = MAKERS[arguments.kind](arguments.width, arguments.depth)
    nodes = len(build.graph.node)
    build.write(arguments.path)
    print(f"{nodes} nodes, {arguments.path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
