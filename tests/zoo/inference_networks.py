"""What the rows of `inference_cases` build."""

from __future__ import annotations

import functools

from inference_cases import NETWORKS, Network
from mindspore import nn
from net import Net
from networks import CLASSES, mindcv


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


OWN = {"alexnet": alexnet}


def _net(row: Network) -> Net:
    build = functools.partial(mindcv, *row.models) if row.models else OWN[row.name]
    return Net(build, ((row.batch, 3, row.side, row.side),), (row.batch, CLASSES), row.gain)


NETS = {f"inference_{row.name}": _net(row) for row in NETWORKS}
