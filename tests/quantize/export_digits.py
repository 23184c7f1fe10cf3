"""Trains a small network on scikit-learn's digits inside MindSpore 2.0.0 and exports it, with a step that trains on.

python -c "import numpy as n, sklearn.datasets as s; d = s.load_digits(); n.savez('digits', x=d.images, y=d.target)"
python tests/quantize/export_digits.py digits.npz tests/quantize/data     # in MindSpore's environment
"""

from __future__ import annotations

import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from mindspore.common.initializer import HeUniform, initializer

BATCH, TESTED, EPOCHS = 60, 360, 40


class Digits(nn.Cell):
    """Two convolutions and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, has_bias=True, pad_mode="same")
        self.norm = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 32, 3, has_bias=True, pad_mode="same")
        self.relu, self.pool, self.flatten = nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten()
        self.dense1, self.dense2 = nn.Dense(32 * 16, 64), nn.Dense(64, 10)

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        return self.dense2(self.relu(self.dense1(self.flatten(x))))


def main(source: Path, target: Path) -> None:
    ms.set_seed(1)
    with np.load(source) as found:
        images, labels = found["x"].astype(np.float32)[:, None] / 16, found["y"].astype(np.int32)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], labels[order]
    net = Digits()
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9)
    step = nn.TrainOneStepCell(nn.WithLossCell(net, loss), optimizer).set_train()
    train_images, train_labels = images[TESTED:], labels[TESTED:]
    shuffled = np.random.default_rng(1)
    for _ in range(EPOCHS):
        order = shuffled.permutation(len(train_images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            value = step(Tensor(train_images[chosen]), Tensor(train_labels[chosen]))
    sys.stdout.write(f"last loss {value}\n")
    net.set_train(mode=False)
    predicted = np.concatenate([net(Tensor(images[i : i + BATCH])).asnumpy() for i in range(0, TESTED, BATCH)])
    sys.stdout.write(f"accuracy {float((predicted.argmax(1) == labels[:TESTED]).mean())}\n")
    first = Tensor(images[:BATCH])
    ms.export(net, first, file_name=str(target / "digits"), file_format="MINDIR")
    fresh = Digits()
    for parameter in fresh.trainable_params():
        if parameter.name.endswith("weight"):
            parameter.set_data(initializer(HeUniform(), parameter.shape))
    training = nn.TrainOneStepCell(nn.WithLossCell(fresh, loss), nn.Momentum(fresh.trainable_params(), 0.05, 0.9))
    ms.export(
        training.set_train(),
        first,
        Tensor(labels[:BATCH]),
        file_name=str(target / "digits_train"),
        file_format="MINDIR",
    )
    levels = np.rint(images * 16).astype(np.uint8).reshape(-1, 64)
    np.savez_compressed(target / "digits.npz", levels=levels, labels=labels.astype(np.uint8))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
