"""What the rows of `inference_cases` build."""

from __future__ import annotations

import functools

import mindspore
import numpy as np
from inference_cases import NETWORKS, Network
from mindspore import Tensor, nn
from mindspore.ops import operations as P  # noqa: N812 — MindSpore's own usual name for it
from net import Net
from networks import CLASSES, mindcv

_CHANGED_SINCE = (2, 7)


def pad(x, paddings):
    """`ops.pad` as MindSpore 1.x had it; MindCV 0.3.0 still calls it so."""
    return P.Pad(paddings)(x)


def ResizeBilinear(size):  # noqa: N802 — takes the place of a class that MindSpore 2.7 no longer has
    """`ops.ResizeBilinear` as MindSpore 1.x had it; MindCV 0.3.0 still makes one."""

    def resize(x):
        return P.image_ops.ResizeBilinearV2()(x, size)

    return resize


def outdated(*names: str) -> nn.Cell:
    """A MindCV model that calls functions which newer MindSpores have changed or lack."""
    for name, function in (("pad", pad), ("ResizeBilinear", ResizeBilinear)):
        if tuple(int(part) for part in mindspore.__version__.split(".")[:2]) >= _CHANGED_SINCE:
            setattr(mindspore.ops, name, function)
    return mindcv(*names)


class Unfolded(nn.Cell):
    """The windows of an image by channel, [B, C, H, W] → [B, C * k * k, h, w]: nn.Unfold has no CPU kernel."""

    def __init__(self, channels: int, size: int, stride: int) -> None:
        super().__init__()
        self.places = Tensor(np.tile(np.eye(size * size, dtype=np.float32), (channels, 1)).reshape(-1, 1, size, size))
        self.conv = P.Conv2D(channels * size * size, size, pad_mode="valid", stride=stride, group=channels)

    def construct(self, x):
        return self.conv(x, self.places)


def volo() -> nn.Cell:
    """VOLO-D1, its windows as convolutions, the sum of overlapping windows in float32."""
    from mindcv.models import volo as module

    class Fold(module.Fold):
        def __init__(self, *sizes, **options) -> None:
            super().__init__(*sizes, **options)
            self.weight = Tensor(self.weight.asnumpy(), mindspore.float32)

    module.Fold = Fold
    net = outdated("volo_d1")
    for _, cell in net.cells_and_names():
        if isinstance(cell, module.OutlookAttention):
            cell.unfold = Unfolded(cell.v.out_channels, cell.kernel_size, cell.stride)
    return net


def alexnet() -> nn.Cell:
    """AlexNet with its own convolutions and a narrow classifier, for [B, 3, 64, 64]."""
    return nn.SequentialCell(
        nn.Conv2d(3, 64, 11, 4, pad_mode="pad", padding=2, has_bias=True),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, pad_mode="pad", padding=2, has_bias=True),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, pad_mode="pad", padding=1, has_bias=True),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, pad_mode="pad", padding=1, has_bias=True),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, pad_mode="pad", padding=1, has_bias=True),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(p=0.5),
        nn.Dense(256 * 3 * 3, 128),
        nn.ReLU(),
        nn.Dense(128, CLASSES),
    )


class Decoder(nn.Cell):
    """A decoder layer: attention to earlier tokens only, attention to the memory of an encoder, a feed-forward net."""

    def __init__(self, words: int = 31, length: int = 7, width: int = 12) -> None:
        super().__init__()
        self.tokens = nn.Embedding(words, width)
        self.query, self.key, self.value = nn.Dense(width, width), nn.Dense(width, width), nn.Dense(width, width)
        self.hidden = Tensor(np.triu(np.full((length, length), -1e4, np.float32), 1))
        self.across = MemoryAttention(width, 3)
        self.up, self.down = nn.Dense(width, 2 * width), nn.Dense(2 * width, width)
        self.norms = nn.CellList([nn.LayerNorm((width,)) for _ in range(3)])
        self.matmul, self.turned = P.BatchMatMul(), P.BatchMatMul(transpose_b=True)
        self.softmax, self.relu = nn.Softmax(), nn.ReLU()
        self.head = nn.Dense(width, words)

    def construct(self, ids, memory):
        x = self.tokens(ids)
        scores = self.turned(self.query(x), self.key(x)) / 12**0.5 + self.hidden
        x = self.norms[0](x + self.matmul(self.softmax(scores), self.value(x)))
        x = self.norms[1](x + self.across(x, memory))
        x = self.norms[2](x + self.down(self.relu(self.up(x))))
        return self.head(x)


class MemoryAttention(nn.Cell):
    """Attention of tokens to a memory, in several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Dense(width, width), nn.Dense(width, width), nn.Dense(width, width)
        self.out = nn.Dense(width, width)
        self.heads, self.size = heads, width // heads
        self.reshape, self.transpose = P.Reshape(), P.Transpose()
        self.matmul, self.turned = P.BatchMatMul(), P.BatchMatMul(transpose_b=True)
        self.softmax = nn.Softmax()

    def split(self, x):
        """[B, T, width] → [B, heads, T, size]."""
        return self.transpose(self.reshape(x, (x.shape[0], x.shape[1], self.heads, self.size)), (0, 2, 1, 3))

    def construct(self, x, memory):
        scores = self.turned(self.split(self.query(x)), self.split(self.key(memory))) / self.size**0.5
        mixed = self.transpose(self.matmul(self.softmax(scores), self.split(self.value(memory))), (0, 2, 1, 3))
        return self.out(self.reshape(mixed, x.shape))


def half() -> nn.Cell:
    """A convolutional network that casts to float16 for its layers."""
    return nn.SequentialCell(
        nn.Conv2d(3, 7, 3, pad_mode="same", has_bias=True).to_float(mindspore.float16),
        nn.BatchNorm2d(7),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dense(7 * 11 * 13, CLASSES).to_float(mindspore.float16),
    )


class HalfWeights(nn.Cell):
    """A network whose weights and arithmetic are float16, between casts."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.SequentialCell(nn.Dense(13, 17), nn.ReLU(), nn.Dense(17, 5))
        for param in self.net.get_parameters():
            param.set_dtype(mindspore.float16)
        self.cast = P.Cast()

    def construct(self, x):
        return self.cast(self.net(self.cast(x, mindspore.float16)), mindspore.float32)


class Transformer(nn.Cell):
    """MindSpore's own encoder and decoder, as they come."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(width, 3, 17, 0.0, batch_first=True)
        self.decoder = nn.TransformerDecoderLayer(width, 3, 17, 0.0, batch_first=True)

    def construct(self, source, target):
        return self.decoder(target, self.encoder(source))


OWN = {"alexnet": alexnet, "volo_d1": volo}
OUTDATED = frozenset({"pvt_tiny"})
SMALL = {
    "decoder": Net(Decoder, (("ids", (2, 7), 31), (2, 5, 12)), (2, 7, 31)),
    "half": Net(half, ((2, 3, 11, 13),), (2, CLASSES)),
    "half_weights": Net(HalfWeights, ((3, 13),), (3, 5)),
    "transformer": Net(Transformer, ((2, 11, 12), (2, 7, 12)), (2, 7, 12)),
}


def _net(row: Network) -> Net:
    model = outdated if row.name in OUTDATED else mindcv
    build = OWN[row.name] if row.name in OWN else functools.partial(model, *row.models)
    return Net(build, ((row.batch, 3, row.side, row.side),), (row.batch, CLASSES), row.gain)


NETS = {
    **SMALL,
    **{f"inference_{row.name}": _net(row) for row in NETWORKS},
}
