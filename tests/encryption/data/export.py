"""Makes the encrypted models beside it; run with the Python of a MindSpore environment: `python export.py FOLDER`.

The two `official_2.0.0*.ms` are plain.mindir of ms200, converted by the official converter with and without encryption.
The key is 16, 24 or 32 of the letters from A on.
"""

from __future__ import annotations

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from mindspore.train import serialization


class Net(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        ms.set_seed(3)
        self.conv = nn.Conv2d(2, 3, 3, pad_mode="same", has_bias=True, weight_init="normal", bias_init="normal")
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))


def main(folder: str) -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    net = Net()
    net.set_train(False)
    x = Tensor(np.zeros((1, 2, 5, 7), np.float32))
    ms.export(net, x, file_name=f"{folder}/plain", file_format="MINDIR")
    for mode, length in (("AES-GCM", 16), ("AES-GCM", 24), ("AES-CBC", 32), ("SM4-CBC", 16)):
        name = f"{folder}/{mode}-{length}"
        ms.export(net, x, file_name=name, file_format="MINDIR", enc_key=bytes(range(65, 65 + length)), enc_mode=mode)
    serialization.TOTAL_SAVE = 0  # splits what is larger than that; it is 1 GiB
    name = f"{folder}/split-AES-GCM"
    ms.export(net, x, file_name=name, file_format="MINDIR", enc_key=bytes(range(65, 81)), enc_mode="AES-GCM")


if __name__ == "__main__":
    main(sys.argv[1])
