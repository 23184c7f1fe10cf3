"""Makes the models beside it; run with the Python of a MindSpore environment: `python export.py FOLDER`."""

from __future__ import annotations

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops


class Images(nn.Cell):
    """Image outputs of every making: by a convolution, joined, by elements of an input, reshaped, pooled; and none."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, pad_mode="same", has_bias=True, weight_init="normal", bias_init="normal")
        self.pool = nn.MaxPool2d(2, 2)
        self.dense = nn.Dense(7, 11, weight_init="normal", bias_init="normal")
        self.join = ops.Concat(1)

    def construct(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        seen = ops.relu(self.conv(x))
        joined = self.join((seen, y))
        wide = self.dense(y)
        folded = ops.reshape(wide, (1, 11, 3, 5))
        return seen, joined, y * 2 + 1, folded, self.pool(joined), ops.reduce_mean(wide, (2, 3))


def main(folder: str) -> None:
    ms.set_seed(3)
    ms.set_context(mode=ms.GRAPH_MODE)
    net = Images()
    net.set_train(False)
    generator = np.random.default_rng(5)
    x, y = (generator.normal(size=shape).astype(np.float32) for shape in ((1, 2, 5, 7), (1, 3, 5, 7)))
    outputs = net(Tensor(x), Tensor(y))
    ms.export(net, Tensor(x), Tensor(y), file_name=f"{folder}/images", file_format="MINDIR")
    arrays = {f"out{index}": each.asnumpy() for index, each in enumerate(outputs)}
    np.savez(f"{folder}/images.npz", in0=x, in1=y, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
