"""Single-feature networks: a convolution, the layer under test, a dense head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops import operations as P  # noqa: N812 — MindSpore's own usual name for it
from net import Net

BATCH, CLASSES = 3, 5
IMAGE = (BATCH, 2, 7, 5)


class Around(nn.Cell):
    """Conv 2 → `channels` (same size), `layer`, flatten, dense `features` → 5."""

    def __init__(self, layer: nn.Cell, channels: int, features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, channels, 3, pad_mode="same")
        self.layer = layer
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(features, CLASSES)

    def construct(self, x):
        return self.fc(self.flatten(self.layer(self.conv(x))))


class Flat(nn.Cell):
    """Dense 11 → 7, `layer`, dense 7 → 5."""

    def __init__(self, layer: nn.Cell) -> None:
        super().__init__()
        self.first = nn.Dense(11, 7)
        self.layer = layer
        self.last = nn.Dense(7, CLASSES)

    def construct(self, x):
        return self.last(self.layer(self.first(x)))


class Headed(nn.Cell):
    """`layer` first, then flatten and dense `features` → 5: for inputs that are no image."""

    def __init__(self, layer: nn.Cell, features: int) -> None:
        super().__init__()
        self.layer = layer
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(features, CLASSES)

    def construct(self, x):
        return self.fc(self.flatten(self.layer(x)))


class Primitive(nn.Cell):
    """A primitive with constant further arguments."""

    def __init__(self, primitive, *arguments) -> None:
        super().__init__()
        self.primitive = primitive
        self.arguments = arguments

    def construct(self, x):
        return self.primitive(x, *self.arguments)


class KeepAll(nn.Cell):
    """A Dropout node that keeps every element (nn.Dropout would leave the node away)."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = P.Dropout(keep_prob=1.0)

    def construct(self, x):
        return self.dropout(x)[0]


class Vector(nn.Cell):
    """A trained vector broadcast over channels, by Mul and by Add."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = Parameter(Tensor(np.ones((1, channels, 1, 1), np.float32)), name="scale")
        self.shift = Parameter(Tensor(np.zeros((1, channels, 1, 1), np.float32)), name="shift")

    def construct(self, x):
        return x * self.scale + self.shift


class Attention(nn.Cell):
    """Scaled dot-product self-attention [B, S, D] with `heads` heads, out of Dense, BatchMatMul and Softmax."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.size = width // heads
        self.query = nn.Dense(width, width)
        self.key = nn.Dense(width, width)
        self.value = nn.Dense(width, width)
        self.out = nn.Dense(width, width)
        self.scores = P.BatchMatMul(transpose_b=True)
        self.mix = P.BatchMatMul()
        self.softmax = nn.Softmax(axis=-1)
        self.reshape = P.Reshape()
        self.transpose = P.Transpose()

    def _split(self, x):
        batch, length, _ = x.shape
        return self.transpose(self.reshape(x, (batch, length, self.heads, self.size)), (0, 2, 1, 3))

    def construct(self, x):
        query, key, value = self._split(self.query(x)), self._split(self.key(x)), self._split(self.value(x))
        weights = self.softmax(self.scores(query, key) * (1 / self.size**0.5))
        mixed = self.transpose(self.mix(weights, value), (0, 2, 1, 3))
        return self.out(self.reshape(mixed, x.shape))


class Squeeze(nn.Cell):
    """Squeeze and excite: mean over the image, two dense layers, a gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean = P.ReduceMean(keep_dims=True)
        self.down = nn.Conv2d(channels, 3, 1, has_bias=True)
        self.up = nn.Conv2d(3, channels, 1, has_bias=True)
        self.relu = nn.ReLU()
        self.gate = nn.Sigmoid()

    def construct(self, x):
        return x * self.gate(self.up(self.relu(self.down(self.mean(x, (2, 3))))))


class Joined(nn.Cell):
    """Split over channels, work on one part, concatenate."""

    def __init__(self) -> None:
        super().__init__()
        self.split = P.Split(1, 2)
        self.concat = P.Concat(axis=1)
        self.tanh = nn.Tanh()

    def construct(self, x):
        left, right = self.split(x)
        return self.concat((self.tanh(left), right))


class Tied(nn.Cell):
    """One weight used by two layers, as kernel and transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dense(7, 5, has_bias=False)
        self.tanh = nn.Tanh()
        self.back = P.MatMul()

    def construct(self, x):
        return self.back(self.tanh(self.first(x)), self.first.weight)


class TwoInputs(nn.Cell):
    """An image and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, pad_mode="same", has_bias=True)
        self.flatten = nn.Flatten()
        self.left = nn.Dense(3 * 7 * 5, CLASSES)
        self.right = nn.Dense(11, CLASSES)

    def construct(self, x, y):
        return self.left(self.flatten(self.conv(x))) + self.right(y)


class TwoOutputs(nn.Cell):
    """A shared layer with two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Dense(11, 7)
        self.relu = nn.ReLU()
        self.left = nn.Dense(7, CLASSES)
        self.right = nn.Dense(7, CLASSES)

    def construct(self, x):
        y = self.relu(self.body(x))
        return self.left(y), self.right(y)


class Volume(nn.Cell):
    """A 3-D convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(2, 3, 3, pad_mode="same")

    def construct(self, x):
        return self.conv(x)


def _image(layer, channels: int = 4, features: int | None = None) -> Net:
    """A row for a layer on [3, channels, 7, 5]; `features` when it changes the number of elements."""
    return Net(lambda: Around(layer(), channels, features or channels * 35), (IMAGE,), (BATCH, CLASSES))


def _flat(layer) -> Net:
    """A row for a layer on [3, 7]."""
    return Net(lambda: Flat(layer()), ((BATCH, 11),), (BATCH, CLASSES))


def _later(kind: str):
    """A layer by name: not every MindSpore has it, and the table must load in all of them."""
    return lambda: getattr(nn, kind)()


ACTIVATIONS = {
    "relu": _image(nn.ReLU),
    "relu6": _image(nn.ReLU6),
    "leakyrelu": _image(lambda: nn.LeakyReLU(0.1)),
    "elu": _image(nn.ELU),
    "gelu": _image(nn.GELU),
    "gelu_exact": _image(lambda: nn.GELU(approximate=False)),
    "silu": _image(_later("SiLU")),
    "hswish": _image(nn.HSwish),
    "hsigmoid": _image(nn.HSigmoid),
    "prelu": _image(lambda: nn.PReLU(4)),
    "prelu_one": _image(nn.PReLU),
    "sigmoid": _image(nn.Sigmoid),
    "tanh": _image(nn.Tanh),
    "tanh_steep": replace(_image(nn.Tanh), gain=12.0),
    "softplus": _image(lambda: Primitive(P.Softplus())),
    "mish": _image(_later("Mish")),
    "selu": _image(_later("SeLU")),
    "logsigmoid": _image(nn.LogSigmoid),
    "softmax": _flat(nn.Softmax),
    "softmax_channel": _image(lambda: nn.Softmax(axis=1)),
    "logsoftmax": _flat(nn.LogSoftmax),
}

CONVOLUTIONS = {
    "conv_valid_bias": _image(lambda: nn.Conv2d(4, 3, 3, pad_mode="valid", has_bias=True), features=3 * 5 * 3),
    "conv_stride_same": _image(lambda: nn.Conv2d(4, 3, 3, stride=2, pad_mode="same"), features=3 * 4 * 3),
    "conv_pad": _image(lambda: nn.Conv2d(4, 3, 3, pad_mode="pad", padding=2), features=3 * 9 * 7),
    "conv_pad_asymmetric": _image(lambda: nn.Conv2d(4, 3, 3, pad_mode="pad", padding=(1, 2, 0, 3)), features=3 * 8 * 6),
    "conv_kernel_rect": _image(lambda: nn.Conv2d(4, 3, (3, 2), stride=(2, 1), pad_mode="valid"), features=3 * 3 * 4),
    "conv_1x1": _image(lambda: nn.Conv2d(4, 3, 1), features=3 * 35),
    "conv_dilated": _image(lambda: nn.Conv2d(4, 3, 3, dilation=2, pad_mode="pad", padding=2), features=3 * 35),
    "conv_dilated_same": _image(lambda: nn.Conv2d(4, 3, 3, dilation=2, pad_mode="same"), features=3 * 35),
    "conv_group": _image(lambda: nn.Conv2d(4, 6, 3, group=2, pad_mode="same", has_bias=True), features=6 * 35),
    "conv_depthwise": _image(lambda: nn.Conv2d(4, 4, 3, group=4, pad_mode="same")),
    "conv_depthwise_stride": _image(lambda: nn.Conv2d(4, 4, 3, stride=2, group=4, pad_mode="same"), features=4 * 12),
    "conv_depthwise_multiplier": _image(lambda: nn.Conv2d(4, 8, 3, group=4, pad_mode="same"), features=8 * 35),
    "conv_transpose": _image(
        lambda: nn.Conv2dTranspose(4, 3, 3, stride=2, pad_mode="same", has_bias=True), features=3 * 14 * 10
    ),
    "conv_transpose_pad": _image(
        lambda: nn.Conv2dTranspose(4, 3, 3, stride=2, pad_mode="pad", padding=1), features=3 * 13 * 9
    ),
    "conv1d": Net(
        lambda: Headed(nn.Conv1d(2, 3, 3, pad_mode="same", has_bias=True), 3 * 11), ((BATCH, 2, 11),), (BATCH, CLASSES)
    ),
    "conv3d": Net(lambda: Headed(Volume(), 3 * 60), ((BATCH, 2, 3, 5, 4),), (BATCH, CLASSES)),
}

NORMS = {
    "batchnorm2d": _image(lambda: nn.BatchNorm2d(4)),
    "batchnorm2d_momentum": _image(lambda: nn.BatchNorm2d(4, eps=1e-3, momentum=0.7)),
    "batchnorm2d_frozen": _image(lambda: nn.BatchNorm2d(4, use_batch_statistics=False)),
    "batchnorm2d_no_affine": _image(lambda: nn.BatchNorm2d(4, affine=False)),
    "batchnorm1d": _flat(lambda: nn.BatchNorm1d(7)),
    "layernorm": _flat(lambda: nn.LayerNorm((7,))),
    "layernorm_image": _image(lambda: nn.LayerNorm((4, 7, 5), begin_norm_axis=1, begin_params_axis=1)),
    "groupnorm": _image(lambda: nn.GroupNorm(2, 4)),
    "instancenorm2d": _image(lambda: nn.InstanceNorm2d(4)),
    "instancenorm2d_by_hand": _image(lambda: nn.GroupNorm(4, 4)),
    "l2normalize": _flat(lambda: P.L2Normalize(axis=1)),
}

POOLS = {
    "maxpool_valid": _image(lambda: nn.MaxPool2d(2, 2), features=4 * 3 * 2),
    "maxpool_same": _image(lambda: nn.MaxPool2d(3, 2, pad_mode="same"), features=4 * 4 * 3),
    "avgpool_valid": _image(lambda: nn.AvgPool2d(2, 2), features=4 * 3 * 2),
    "avgpool_same": _image(lambda: nn.AvgPool2d(3, 2, pad_mode="same"), features=4 * 4 * 3),
    "global_mean": _image(lambda: Primitive(P.ReduceMean(), (2, 3)), features=4),
    "adaptive_avgpool": _image(lambda: nn.AdaptiveAvgPool2d((1, 1)), features=4),
    "resize_nearest": _image(lambda: P.ResizeNearestNeighbor((14, 10)), features=4 * 140),
    "resize_bilinear": _image(lambda: Primitive(ops.ResizeBilinearV2(), (14, 10)), features=4 * 140),
    "pad": _image(lambda: nn.Pad(((0, 0), (0, 0), (1, 2), (0, 3))), features=4 * 10 * 8),
}

OTHERS = {
    "dropout": _image(lambda: nn.Dropout(p=0.3)),
    "dropout_keep_all": _image(KeepAll),
    "vector": _image(lambda: Vector(4)),
    "squeeze": _image(lambda: Squeeze(4)),
    "joined": _image(Joined),
    "embedding": Net(lambda: Headed(nn.Embedding(13, 7), 3 * 7), (("ids", (BATCH, 3), 13),), (BATCH, CLASSES)),
    "attention": Net(lambda: Headed(Attention(6, 2), 5 * 6), ((BATCH, 5, 6),), (BATCH, CLASSES)),
    "strided_slice": _image(lambda: Primitive(P.StridedSlice(), (0, 1, 0, 1), (3, 4, 7, 5), (1, 1, 2, 1)), features=48),
    "transpose": _image(lambda: Primitive(P.Transpose(), (0, 3, 1, 2))),
    "lstm": Net(lambda: Headed(Recurrent("LSTM"), 4 * 3), ((BATCH, 4, 5),), (BATCH, CLASSES)),
    "lstm_deep_both_ways": Net(
        lambda: Headed(Recurrent("LSTM", layers=2, both_ways=True), 4 * 6), ((BATCH, 4, 5),), (BATCH, CLASSES)
    ),
    "gru": Net(lambda: Headed(Recurrent("GRU"), 4 * 3), ((BATCH, 4, 5),), (BATCH, CLASSES)),
    "rnn": Net(lambda: Headed(Recurrent("RNN"), 4 * 3), ((BATCH, 4, 5),), (BATCH, CLASSES)),
}


class Recurrent(nn.Cell):
    """`nn.LSTM`, `nn.GRU` or `nn.RNN` [B, T, 5] → [B, T, 3 or 6], state zero."""

    def __init__(self, kind: str, *, layers: int = 1, both_ways: bool = False) -> None:
        super().__init__()
        self.cell = getattr(nn, kind)(5, 3, num_layers=layers, batch_first=True, bidirectional=both_ways)
        zero = Tensor(np.zeros((layers * (2 if both_ways else 1), BATCH, 3), np.float32))
        self.start = (zero, zero) if kind == "LSTM" else zero

    def construct(self, x):
        return self.cell(x, self.start)[0]


WHOLE = {
    "tied": Net(Tied, ((BATCH, 7),), (BATCH, 7)),
    "two_inputs": Net(TwoInputs, (IMAGE, (BATCH, 11)), (BATCH, CLASSES)),
    "two_outputs": Net(TwoOutputs, ((BATCH, 11),), (BATCH, CLASSES)),
}

LAYERS = {**ACTIVATIONS, **CONVOLUTIONS, **NORMS, **POOLS, **OTHERS}
NETS = {**{f"layer_{name}": net for name, net in LAYERS.items()}, **WHOLE}
