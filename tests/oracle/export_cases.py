"""Export the small models behind tests/quantize/data/cases: `export_cases.py FOLDER`, inside MindSpore 2.0.0.

Each shows one rule of the official weight quantization. Shapes are distinct primes where the rule allows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mindspore
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANDOM = np.random.RandomState(3)


def normal(*shape: int) -> NDArray[np.float32]:
    return (RANDOM.randn(*shape) * 0.2 + 0.05).astype(np.float32)


class MatMul(nn.Cell):
    """A product with a constant on the given side."""

    def __init__(
        self, weight: NDArray[np.float32], *, first: bool = False, flip_a: bool = False, flip_b: bool = False
    ) -> None:
        super().__init__()
        self.weight = Parameter(Tensor(weight), name="weight")
        self.product = (ops.BatchMatMul if weight.ndim > 2 else ops.MatMul)(flip_a, flip_b)
        self.first = first

    def construct(self, x: Tensor) -> Tensor:
        return self.product(self.weight, x) if self.first else self.product(x, self.weight)


class Shared(nn.Cell):
    """One weight in two products."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(Tensor(normal(13, 13)), name="weight")
        self.product = ops.MatMul(transpose_b=True)

    def construct(self, x: Tensor) -> Tensor:
        return self.product(ops.relu(self.product(x, self.weight)), self.weight)


class Gather(nn.Cell):
    """Rows or columns of a constant table."""

    def __init__(self, axis: int, columns: int) -> None:
        super().__init__()
        self.weight = Parameter(Tensor(normal(17, columns)), name="weight")
        self.gather = ops.Gather()
        self.axis = axis

    def construct(self, indices: Tensor) -> Tensor:
        return self.gather(self.weight, indices, self.axis)


def flat(weight: NDArray[Any]) -> tuple[nn.Cell, NDArray[np.float32]]:
    """A weight whose rows are channels."""
    return MatMul(weight.astype(np.float32), flip_b=True), normal(3, weight.shape[1])


def layer(cell: nn.Cell, *shape: int) -> tuple[nn.Cell, NDArray[np.float32]]:
    """A layer with random parameters."""
    for parameter in cell.get_parameters():
        parameter.set_data(Tensor(normal(*parameter.shape)))
    return cell, normal(*shape)


def special_ranges() -> NDArray[np.float64]:
    """Channels of zeros, of one positive and one negative value, all positive, all negative."""
    zeros, ones = np.zeros(13), np.ones(13)
    return np.array([zeros, 0.3 * ones, -0.2 * ones, np.linspace(1, 2, 13), np.linspace(-3, -2, 13)])


def wide_ranges() -> NDArray[np.float64]:
    """Channels from 1e-6 to 1e4."""
    return RANDOM.randn(61, 97) * 10.0 ** RANDOM.uniform(-6, 4, (61, 1)) + RANDOM.randn(61, 1)


def mostly_zero() -> NDArray[np.float32]:
    return normal(7, 307) * (RANDOM.rand(7, 307) < 0.05).astype(np.float32)


def one_outlier() -> NDArray[np.float64]:
    """Nearly all values fall on one level."""
    values = RANDOM.randn(7, 307) * 1e-3
    values[0, :2] = 1000, -1000
    return values


CASES = {
    "matmul_b": lambda: (MatMul(normal(13, 7)), normal(3, 13)),
    "matmul_b_transposed": lambda: (MatMul(normal(7, 13), flip_b=True), normal(3, 13)),
    "matmul_a": lambda: (MatMul(normal(7, 13), first=True), normal(13, 3)),
    "matmul_a_transposed": lambda: (MatMul(normal(13, 7), first=True, flip_a=True), normal(13, 3)),
    "matmul_shared": lambda: (Shared(), normal(3, 13)),
    "batch_matmul_b": lambda: (MatMul(normal(5, 13, 7)), normal(5, 3, 13)),
    "batch_matmul_b_transposed": lambda: (MatMul(normal(5, 7, 13), flip_b=True), normal(5, 3, 13)),
    "channel_of_10": lambda: flat(normal(7, 10)),
    "channel_of_11": lambda: flat(normal(7, 11)),
    "gather_0": lambda: (Gather(0, 13), np.array([1, 3], np.int32)),
    "gather_1": lambda: (Gather(1, 13), np.array([1, 3], np.int32)),
    "gather_row_of_7": lambda: (Gather(0, 7), np.array([1, 3], np.int32)),
    "conv_16": lambda: layer(nn.Conv2d(5, 16, 3), 1, 5, 11, 11),
    "conv_17": lambda: layer(nn.Conv2d(5, 17, 3, has_bias=True), 1, 5, 11, 11),
    "conv_grouped": lambda: layer(nn.Conv2d(6, 18, 3, group=3), 1, 6, 11, 11),
    "conv_depthwise_3": lambda: layer(nn.Conv2d(19, 19, 3, group=19), 1, 19, 11, 11),
    "conv_depthwise_5": lambda: layer(nn.Conv2d(19, 19, 5, group=19), 1, 19, 11, 11),
    "conv_transposed": lambda: layer(nn.Conv2dTranspose(5, 19, 3, pad_mode="valid"), 1, 5, 7, 7),
    "conv_transposed_grouped": lambda: layer(nn.Conv2dTranspose(6, 18, 3, pad_mode="valid", group=3), 1, 6, 7, 7),
    "special_ranges": lambda: flat(special_ranges()),
    "wide_ranges": lambda: flat(wide_ranges()),
    "halves": lambda: flat(RANDOM.randint(-255, 256, (23, 97)) * 0.125),
    "few_values": lambda: flat(RANDOM.choice([0.1, -0.1, 0.5], (7, 307))),
    "mostly_zero": lambda: flat(mostly_zero()),
    "mostly_zero_columns": lambda: (MatMul(mostly_zero().T.copy()), normal(3, 307)),
    "one_outlier": lambda: flat(one_outlier()),
    "tiny_values": lambda: flat(normal(7, 13) * 1e-12),
}


class Small(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 5, 3, pad_mode="valid")
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.first = nn.Dense(245, 37)
        self.second = nn.Dense(37, 11)

    def construct(self, x: Tensor) -> Tensor:
        return self.second(self.relu(self.first(self.flatten(self.relu(self.conv(x))))))


OPTIMIZERS = {
    "momentum": lambda parameters: nn.Momentum(parameters, 0.01, 0.9),
    "sgd": lambda parameters: nn.SGD(parameters, 0.01, momentum=0.9),
    "adam": lambda parameters: nn.Adam(parameters, 0.01),
}


def export(folder: Path, name: str, cell: nn.Cell, *inputs: NDArray[Any]) -> None:
    mindspore.export(cell, *map(Tensor, inputs), file_name=str(folder / name), file_format="MINDIR")
    (folder / f"{name}.mindir").chmod(0o644)


def export_resumed(folder: Path, name: str) -> None:
    """A training step whose optimizer has already run two steps: slots are not zero."""
    net, images = layer(Small(), 3, 2, 9, 9)
    labels = np.array([2, 3, 5], np.int32)
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    step = nn.TrainOneStepCell(nn.WithLossCell(net, loss), OPTIMIZERS[name](net.trainable_params())).set_train()
    for _ in range(2):
        step(Tensor(images), Tensor(labels))
    export(folder, f"resumed_{name}_train", step, images, labels)


def main() -> None:
    folder = Path(sys.argv[1])
    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    for name, make in CASES.items():
        cell, inputs = make()
        export(folder, name, cell.set_train(mode=False), inputs)
    for name in OPTIMIZERS:
        export_resumed(folder, name)


if __name__ == "__main__":
    main()
