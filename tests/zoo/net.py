"""What a row of a network table says, and the data inputs drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from mindspore import nn


@dataclass(frozen=True)
class Net:
    """A network, the shapes of its inputs, and the shape of its output (which a loss makes labels from).

    `gain` scales the start variance of kernels: 1 keeps the losses of a shallow net smooth, 2 keeps the signal of a
    deep one alive. `lift` is added to every beta and bias and `swing` scales every gamma: they keep the inputs of
    activations off their kinks, where rounding decides which side a deep network takes. An input is a shape (standard
    normal), `("ids", shape, high)` for int32 below `high`, or `("bits", shape)` for float32 zeros and ones.
    """

    build: Callable[[], nn.Cell]
    inputs: tuple
    output: tuple[int, ...]
    gain: float = 1.0
    lift: float = 0.0
    swing: float = 1.0


def make_inputs(net: Net, rng: np.random.RandomState) -> list[np.ndarray]:
    """Draw the data inputs of `net`."""
    return [_draw(spec, rng) for spec in net.inputs]


def _draw(spec: tuple, rng: np.random.RandomState) -> np.ndarray:
    if spec and spec[0] == "ids":
        _, shape, high = spec
        return rng.randint(0, high, shape).astype(np.int32)
    if spec and spec[0] == "bits":
        return rng.randint(0, 2, spec[1]).astype(np.float32)
    return np.asarray(rng.standard_normal(spec), np.float32)
