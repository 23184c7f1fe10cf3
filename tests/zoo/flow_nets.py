"""Inference networks with control flow on data, and with dimensions that are known only when they run.

A row is `(cell, runs)`: each run is one tuple of inputs. For a network of dynamic shapes, the export declares every
dimension unknown (`-1`) in which its runs differ, or in which `DYNAMIC` says so.
"""

from __future__ import annotations

import mindspore
import numpy as np
from mindspore import nn, ops
from mindspore.ops import operations as P  # noqa: N812 — MindSpore's own usual name for it

_RNG = np.random.RandomState(7)


def draw(*shape: int, lift: float = 0.0) -> np.ndarray:
    return np.asarray(_RNG.standard_normal(shape) + lift, np.float32)


def integer(number: int) -> np.ndarray:
    return np.asarray(number, np.int32)


class Two(nn.Cell):
    """An `if` whose branches have weights of their own and make two results."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Dense(5, 7), nn.Dense(5, 7)
        self.sum = P.ReduceSum()

    def construct(self, x):
        if self.sum(x) > 0:
            y, z = ops.relu(self.first(x)), x * 2
        else:
            y, z = self.second(x), x - 1
        return y + 1, z


class Chain(nn.Cell):
    """`if … elif … else` with an `if` inside, and an early return."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.Dense(5, 5), nn.Dense(5, 3)
        self.sum, self.max = P.ReduceSum(), P.ReduceMax()

    def construct(self, x, key):
        if key > 10:
            return self.last(x)
        if key > 5:
            y = self.layer(x)
            if self.sum(y) > 0:
                y = y * 3
        elif key > 2:
            y = x - self.max(x)
        else:
            y = ops.tanh(x)
        return self.last(y + x)


class Rounds(nn.Cell):
    """A `while` on data with a weight inside, an `if` inside, and values of the outside."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Dense(5, 5)
        self.sum = P.ReduceSum()

    def construct(self, x, count):
        base = ops.tanh(x)
        y = x
        while count < 4:
            y = ops.tanh(self.layer(y)) + base
            if self.sum(y) > 0:  # noqa: SIM108 — MindSpore compiles the statement
                y = y - 0.5
            else:
                y = y + 0.25
            count = count + 1
        return y * 2, count


class Nested(nn.Cell):
    """A `while` in a `while`, behind an `if`."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = P.ReduceSum()

    def construct(self, x, rows, columns):
        total = x
        if self.sum(x) > 0:
            total = total * 0.5
        i = rows * 0
        while i < rows:
            j = columns * 0
            while j < columns:
                total = ops.tanh(total) + x
                j = j + 1
            total = total * 1.5
            i = i + 1
        return total


class Bounded(nn.Cell):
    """A `for` with constant bounds that is left early by data."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = P.ReduceSum()

    def construct(self, x, limit):
        for _ in range(3):
            if self.sum(x) > limit:
                break
            x = x * 1.5 + 0.5
        return x


class Images(nn.Cell):
    """Convolutions before, inside and behind an `if`, and in a `while`: layouts meet at the borders of branches."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 5, 3, has_bias=True)
        self.norm = nn.BatchNorm2d(5)
        self.wide, self.narrow = nn.Conv2d(5, 7, 3), nn.Conv2d(5, 7, 1)
        self.again = nn.Conv2d(7, 7, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.head = nn.Dense(7, 3)
        self.mean = P.ReduceMean()

    def construct(self, x, count):
        x = ops.relu(self.norm(self.stem(x)))
        if self.mean(x) > 0.5:
            y = ops.relu(self.wide(x))
        else:
            y = self.pool(self.narrow(x))
            y = ops.concat((y, y), 2)
            y = ops.concat((y, y), 3)
        while count < 3:
            y = ops.tanh(self.again(y)) + y
            count = count + 1
        return self.head(self.mean(y, (2, 3))), y


class Sizes(nn.Cell):
    """Branches whose results have different shapes, and a call of the same layer in both."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Dense(5, 4)
        self.sum = P.ReduceSum()

    def construct(self, x):
        if self.sum(x) > 0:
            return self.layer(x)
        return self.layer(x[:1])


class Counter(nn.Cell):
    """A loop that is called from several places, each of which goes on in its own way."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self.layer, self.step = nn.Dense(4, 4), step
        self.sum = P.ReduceSum()

    def construct(self, x, count):
        while count < 3:
            x = ops.tanh(self.layer(x)) + self.step
            if self.sum(x) > 5:
                break
            count = count + 1
        return x


class Calls(nn.Cell):
    """Loops one behind the other and inside a branch, with code behind each; a loop without a condition."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Counter(0.5), Counter(-0.25)
        self.sum = P.ReduceSum()

    def construct(self, x, count):
        y = self.first(x, count) * 2
        z = self.second(y, count + 1) - y
        if self.sum(z) > 0:  # noqa: SIM108 — as above
            z = self.first(z, count) + x
        else:
            z = z * 0.5
        index = count * 0
        while True:
            z = z + 1
            index = index + 1
            if index > count:
                break
        return z - y, index


class Skips(nn.Cell):
    """`continue`, a return from inside a loop, conditions of several parts, and a flag that is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = P.ReduceSum()

    def construct(self, x, low, high):
        index = low * 0
        total = x
        while index < high:
            index = index + 1
            if index < low or index == 4:
                continue
            total = total + x * index
            if self.sum(total) > 40 and index > 2:
                return total * 10
        if not low > high:
            total = -total
        return total


class Picks(nn.Cell):
    """A choice of scalars and shapes: branches that return what they were given, or a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.fixed = mindspore.Tensor(np.arange(6, dtype=np.float32).reshape(2, 3))
        self.sum = P.ReduceSum()

    def construct(self, x, y):
        a = self.sum(x)
        if a > self.sum(y):
            first, second, flag = x, y, a > 3
        else:
            first, second, flag = y, self.fixed, a > 1
        scale = 2.0
        if flag:
            scale = 3.0
        return first * scale, second, first


class Layers(nn.Cell):
    """One of several layers by a number that is data."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.CellList([nn.Dense(5, 3), nn.Dense(5, 3, activation="relu"), nn.Dense(5, 3, has_bias=False)])

    def construct(self, x, index):
        y = self.layers[index](x)
        return y * 2


class Mlp(nn.Cell):
    """A dynamic batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Dense(5, 7), nn.Dense(7, 3)

    def construct(self, x):
        return ops.softmax(self.second(ops.relu(self.first(x))))


class Lenet(nn.Cell):
    """A dynamic batch that is flattened."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 5, 3, has_bias=True, pad_mode="valid")
        self.pool, self.flatten = nn.MaxPool2d(2, 2), nn.Flatten()
        self.dense = nn.Dense(5 * 4 * 5, 3)

    def construct(self, x):
        return self.dense(self.flatten(self.pool(ops.relu(self.conv(x)))))


class Fully(nn.Cell):
    """Dynamic height and width: convolutions, normalization, skip connection, pooling over all that is left."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 5, 3, stride=2), nn.BatchNorm2d(5)
        self.deep = nn.Conv2d(5, 5, 3, group=5)
        self.point = nn.Conv2d(5, 7, 1, has_bias=True)
        self.pool = nn.MaxPool2d(3, 2, pad_mode="same")
        self.mean, self.head = P.ReduceMean(), nn.Dense(7, 3)

    def construct(self, x):
        x = ops.relu(self.norm(self.stem(x)))
        x = x + ops.relu(self.deep(x))
        x = self.pool(self.point(x))
        return self.head(self.mean(x, (2, 3))), x


class Encoder(nn.Cell):
    """A dynamic sequence length: attention with heads, layer normalization, embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.query, self.key, self.value, self.out = (nn.Dense(6, 6) for _ in range(4))
        self.norm = nn.LayerNorm((6,))
        self.scores, self.mix = P.BatchMatMul(transpose_b=True), P.BatchMatMul()
        self.split, self.join, self.order = P.Reshape(), P.Reshape(), P.Transpose()
        self.soft = P.Softmax(-1)

    def heads(self, x):
        return self.order(self.split(x, (2, -1, 2, 3)), (0, 2, 1, 3))

    def construct(self, ids):
        x = self.table(ids)
        q, k, v = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        mixed = self.order(self.mix(self.soft(self.scores(q, k) * 0.5), v), (0, 2, 1, 3))
        return self.norm(x + self.out(self.join(mixed, (2, -1, 6))))


class Shapes(nn.Cell):
    """Shapes taken from the data: reshapes, a broadcast, and a slice by a computed size."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Dense(6, 5)

    def construct(self, x):
        rows, columns = x.shape[0], x.shape[1]
        y = self.layer(x.reshape((rows * columns, 6)))
        y = y.reshape((rows, columns, 5))
        y = y - y.mean(axis=1, keep_dims=True)
        return y.reshape((rows, -1)), ops.concat((x, x), 1)


class Tokens(nn.Cell):
    """As vision transformers do: a normalization on its own, a token repeated for the batch, slices, halves."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4)
        self.conv = nn.Conv2d(4, 6, 3)
        self.token = mindspore.Parameter(mindspore.Tensor(np.ones((1, 1, 6), np.float32)), name="token")
        self.layer = nn.Dense(6, 6)
        self.tile, self.max = P.Tile(), P.ReduceMax()

    def construct(self, x):
        x = self.conv(self.norm(ops.tanh(x)))
        batch, channels = x.shape[0], x.shape[1]
        x = x.reshape((batch, channels, -1)).transpose((0, 2, 1))
        x = ops.concat((self.tile(self.token, (batch, 1, 1)), x), 1)
        y = self.layer(x)
        y = y.reshape((batch, -1, 2, channels // 2))
        return y[:, 1:, 0], x[:, :1], x[:, 1:4:2, 1], self.max(y, 1)


class Filled(nn.Cell):
    """Tensors in the shape of others, parts of a stack, and a transposed convolution of unknown batch."""

    def __init__(self) -> None:
        super().__init__()
        self.grow = nn.Conv2dTranspose(2, 3, 3, stride=2)
        self.parts, self.ones = P.Unstack(1), P.OnesLike()

    def construct(self, x):
        first, second = self.parts(x)
        wide = ops.broadcast_to(x[:, :1], (-1, 2, 5, 7))
        start = ops.zeros((x.shape[0], 2, 1, 7), mindspore.float32)
        return self.grow(x), first - second, wide + ops.zeros_like(x) + self.ones(x), ops.concat((start, x), 2)


FLOWS = {
    "flow_if": (Two, ((draw(2, 5, lift=1),), (draw(2, 5, lift=-1),))),
    "flow_chain": (Chain, tuple((draw(2, 5), integer(key)) for key in (11, 7, 6, 3, 1))),
    "flow_while": (Rounds, tuple((draw(2, 5), integer(count)) for count in (0, 3, 9))),
    "flow_nested": (Nested, tuple((draw(2, 3), integer(a), integer(b)) for a, b in ((2, 3), (0, 1), (1, 0)))),
    "flow_for": (Bounded, ((draw(2, 3), np.float32(100)), (draw(2, 3), np.float32(3)), (draw(2, 3), np.float32(-99)))),
    "flow_images": (Images, ((draw(2, 3, 8, 8), integer(1)), (draw(2, 3, 8, 8, lift=-3), integer(5)))),
    "flow_sizes": (Sizes, ((draw(2, 5, lift=1),), (draw(2, 5, lift=-1),))),
    "flow_calls": (Calls, tuple((draw(2, 4), integer(count)) for count in (0, 2, 5))),
    "flow_skips": (
        Skips,
        tuple((draw(2, 3, lift=1), integer(low), integer(high)) for low, high in ((0, 0), (2, 3), (1, 9), (9, 5))),
    ),
    "flow_picks": (Picks, tuple((draw(2, 3, lift=a), draw(2, 3, lift=b)) for a, b in ((1, 0), (0.4, 0), (0, 1)))),
    "flow_layers": (Layers, tuple((draw(2, 5), integer(index)) for index in (0, 1, 2, -1, -3))),
    "dynamic_batch": (Mlp, ((draw(2, 5),), (draw(3, 5),))),
    "dynamic_lenet": (Lenet, ((draw(2, 2, 11, 13),), (draw(3, 2, 11, 13),))),
    "dynamic_pixels": (Fully, ((draw(1, 3, 11, 13),), (draw(1, 3, 17, 8),))),
    "dynamic_length": (
        Encoder,
        tuple((_RNG.randint(0, 11, (2, length)).astype(np.int32),) for length in (5, 7)),
    ),
    "dynamic_tokens": (Tokens, ((draw(2, 4, 5, 7),), (draw(3, 4, 5, 7),))),
    "dynamic_filled": (Filled, ((draw(2, 2, 5, 7),), (draw(3, 2, 5, 7),))),
    "dynamic_shapes": (Shapes, ((draw(2, 5, 6),), (draw(3, 7, 6),))),
}
