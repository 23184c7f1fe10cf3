"""Bias correction of FULL_QUANT: what int8 adds to the mean of each output channel is taken out of the bias.

As the official converter does it, each node is judged alone: it gets the float model's inputs, rounded to its levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.quantize.arithmetic import quantize
from converter.quantize.int8_policy import activations
from converter.reference.call import Call
from converter.reference.compute import compute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.ir import Node, QuantParam, Value
    from converter.quantize.calibrate import Calibration

    Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Layer:
    """An int8 node with the numbers that its constants come to stand for, by input position."""

    node: Node
    constants: Mapping[int, Array]
    channels: int


def rounded(array: Array, param: QuantParam) -> Array:
    """The array as its int8 levels show it, float32."""
    levels = quantize(array, param).astype(np.float64)
    return ((levels - param.zero_point) * param.scale).astype(np.float32)


class _Means:
    """Mean of float minus int8 output, per channel of each layer."""

    def __init__(self, layers: Sequence[Layer], params: Mapping[int, QuantParam]) -> None:
        self.layers = {id(layer.node): (index, layer) for index, layer in enumerate(layers)}
        self.params = params
        self.starts = np.cumsum([0, *(layer.channels for layer in layers)])
        self.found = np.zeros(self.starts[-1], np.float64)
        self.waiting: dict[int, Array] = {}
        self.readers: dict[int, int] = {}
        for layer in layers:
            for value in activations(layer.node):
                self.readers[id(value)] = self.readers.get(id(value), 0) + 1
        self.made: Array | None = None

    def see(self, value: Value, array: Array) -> None:
        if id(value) in self.readers:
            self.waiting[id(value)] = array
        self.made = array

    def leave(self, node: Node) -> None:
        if id(node) not in self.layers or self.made is None:
            return
        index, layer = self.layers[id(node)]
        inputs = tuple(self._input(layer, place, value) for place, value in enumerate(node.inputs))
        (shown, *_) = compute(Call(node, inputs, is_training=False))
        if shown is not None:
            shown = rounded(shown, self.params[id(node.outputs[0])])
            difference = self.made.astype(np.float64) - shown
            means = difference.reshape(-1, layer.channels).mean(axis=0)
            self.found[self.starts[index] : self.starts[index + 1]] = means
        for value in activations(node):
            self.readers[id(value)] -= 1
            if not self.readers[id(value)]:
                self.waiting.pop(id(value), None)

    def _input(self, layer: Layer, place: int, value: Value) -> Array:
        if place in layer.constants:
            return layer.constants[place]
        return rounded(self.waiting[id(value)], self.params[id(value)])

    def result(self) -> Array:
        return self.found


def mean_shifts(
    calibration: Calibration, layers: Sequence[Layer], params: Mapping[int, QuantParam], key: bytes
) -> list[Array]:
    """What is to be added to the bias of each layer, float32."""
    runs = calibration.run("correct biases", b"means " + key, lambda: _Means(layers, params))
    mean = np.mean(runs, axis=0)
    bounds = np.cumsum([layer.channels for layer in layers])[:-1]
    return [part.astype(np.float32) for part in np.split(mean, bounds)]
