"""Ranges of activations from calibration runs, by the method that the config asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems
from converter.quantize.observers import (
    BINS,
    divergence_range,
    extent,
    histogram,
    trimmed_range,
    whole_range,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node, Value
    from converter.quantize.calibrate import Calibration
    from converter.quantize.observers import Range

    Array = np.ndarray[Any, np.dtype[Any]]


class _Extents:
    """Smallest and largest values, and quantiles."""

    def __init__(self, places: dict[int, int], *, with_quantiles: bool) -> None:
        self.places = places
        self.with_quantiles = with_quantiles
        self.found = np.zeros((len(places), 4), np.float32)

    def see(self, value: Value, array: Array) -> None:
        place = self.places.get(id(value))
        if place is not None:
            self.found[place] = extent(array, with_quantiles=self.with_quantiles)

    def leave(self, node: Node) -> None:
        """Nothing was kept for a node."""

    def result(self) -> Array:
        return self.found


class _Histograms:
    """Distribution of magnitudes, each within the range of all runs."""

    def __init__(self, places: dict[int, int], largest: Array) -> None:
        self.places = places
        self.largest = largest
        self.found = np.zeros((len(places), BINS), np.int64)

    def see(self, value: Value, array: Array) -> None:
        place = self.places.get(id(value))
        if place is not None:
            self.found[place] = histogram(array, self.largest[place])

    def leave(self, node: Node) -> None:
        """Nothing was kept for a node."""

    def result(self) -> Array:
        return self.found


def find_ranges(calibration: Calibration, values: Sequence[Value], method: str) -> dict[int, Range]:
    """The range of each value by its identity. Raises `ConversionError` E401 for an activation that is not finite."""
    places = {id(value): index for index, value in enumerate(values)}
    is_trimmed = method == "REMOVAL_OUTLIER"
    key = f"extents {is_trimmed} {_names(values)}".encode()
    runs = np.stack(calibration.run("calibrate", key, lambda: _Extents(places, with_quantiles=is_trimmed)))
    _check_finite(calibration, values, runs)
    if is_trimmed:
        return {id(value): trimmed_range(runs[:, index]) for index, value in enumerate(values)}
    if method == "KL":
        return _by_divergence(calibration, values, places, runs)
    return {id(value): whole_range(runs[:, index]) for index, value in enumerate(values)}


def _by_divergence(
    calibration: Calibration, values: Sequence[Value], places: dict[int, int], runs: Array
) -> dict[int, Range]:
    """A second round over the samples, for their distribution."""
    largest = np.abs(runs[:, :, :2]).max(axis=(0, 2))
    key = b"histograms " + _names(values).encode() + largest.tobytes()
    counts = calibration.run("distribution", key, lambda: _Histograms(places, largest))
    return {
        id(value): divergence_range(runs[:, index], [run[index] for run in counts])
        for index, value in enumerate(values)
    }


def _names(values: Sequence[Value]) -> str:
    return "\n".join(value.name for value in values)


def _check_finite(calibration: Calibration, values: Sequence[Value], runs: Array) -> None:
    problems = Problems()
    for index, value in enumerate(values):
        sample = next((i for i, run in enumerate(runs) if not np.isfinite(run[index]).all()), None)
        if sample is None:
            continue
        node = value.producer.name if value.producer is not None else None
        file = calibration.samples[sample].files[0]
        message = f"{value.name!r} becomes NaN or infinite on the calibration sample {file.name!r}, so it has no scale"
        problems.add(Problem("E401", message, calibration.model.path, node=node))
    problems.raise_if_any()
