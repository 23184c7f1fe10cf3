"""LeNet-5, a control-flow net, and the tiny nets that optimizers, losses and steps are tried on."""

from __future__ import annotations

from mindspore import nn
from mindspore.ops import operations as P  # noqa: N812 — MindSpore's own usual name for it
from net import Net


class LeNet(nn.Cell):
    """LeNet-5 with a head of the given widths (120 and 84 in the classic one)."""

    def __init__(self, first: int = 120, second: int = 84, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, pad_mode="valid", has_bias=True)
        self.conv2 = nn.Conv2d(6, 16, 5, pad_mode="valid", has_bias=True)
        self.relu = nn.ReLU()
        self.max_pool2d = nn.MaxPool2d(kernel_size=2, stride=2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(16 * 5 * 5, first)
        self.fc2 = nn.Dense(first, second)
        self.fc3 = nn.Dense(second, classes)

    def construct(self, x):
        x = self.max_pool2d(self.relu(self.conv1(x)))
        x = self.max_pool2d(self.relu(self.conv2(x)))
        x = self.flatten(x)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)


class Tiny(nn.Cell):
    """One convolution and one dense layer [3, 2, 7, 5] → [3, 5]: every weight layout, few numbers."""

    def __init__(self, last: nn.Cell | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, pad_mode="same", has_bias=True)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(3 * 7 * 5, 5)
        self.last = last

    def construct(self, x):
        x = self.fc(self.flatten(self.relu(self.conv(x))))
        if self.last is not None:
            x = self.last(x)
        return x


class Branch(nn.Cell):
    """An `if` and a `while` that depend on the data."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dense(5, 7)
        self.second = nn.Dense(7, 3)
        self.third = nn.Dense(7, 3)
        self.relu = nn.ReLU()
        self.sum = P.ReduceSum()

    def construct(self, x, count):
        y = self.relu(self.first(x))
        if self.sum(y) > count:  # noqa: SIM108 — MindSpore compiles the statement
            z = self.second(y)
        else:
            z = self.third(y)
        while count < 4:
            z = z * 2 + 1
            count = count + 1
        return z


class If(nn.Cell):
    """A data-dependent `if` between two trained layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dense(7, 5)
        self.second = nn.Dense(7, 5)
        self.sum = P.ReduceSum()

    def construct(self, x):
        if self.sum(x) > 0:  # noqa: SIM108 — MindSpore compiles the statement
            y = self.first(x)
        else:
            y = self.second(x)
        return y


class Loop(nn.Cell):
    """A trained layer applied three times by a `while` with constant bounds."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Dense(7, 7)
        self.tanh = nn.Tanh()
        self.last = nn.Dense(7, 5)

    def construct(self, x):
        turn = 0
        while turn < 3:
            x = self.tanh(self.fc(x))
            turn += 1
        return self.last(x)


IMAGE = ((3, 2, 7, 5),)

NETS = {
    "lenet": Net(LeNet, ((4, 1, 32, 32),), (4, 10)),
    "lenet_slim": Net(lambda: LeNet(24, 16), ((4, 1, 32, 32),), (4, 10)),
    "branch": Net(Branch, ((2, 5), ()), (2, 3)),
    "if": Net(If, ((3, 7),), (3, 5)),
    "loop": Net(Loop, ((3, 7),), (3, 5)),
    "tiny": Net(Tiny, IMAGE, (3, 5)),
    "tiny_sigmoid": Net(lambda: Tiny(nn.Sigmoid()), IMAGE, (3, 5)),
    "tiny_logsoftmax": Net(lambda: Tiny(nn.LogSoftmax()), IMAGE, (3, 5)),
}
