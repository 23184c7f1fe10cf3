"""What is kept of an activation during calibration, and the range that it gives: MAX_MIN, REMOVAL_OUTLIER, KL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

Range: TypeAlias = "tuple[np.float32, np.float32]"

# Shares of the smallest and largest values that REMOVAL_OUTLIER leaves out; float32, as the official converter's.
_LOW_SHARE, _HIGH_SHARE = np.float32(0.0001), np.float32(0.9999)
BINS = 2048
_TARGET_BINS = 128  # magnitudes that 8 bits tell apart
_STRIDE = 16


def extent(values: Array, *, with_quantiles: bool) -> Array:
    """(min, max, low quantile, high quantile) of one run, float32; the last two are 0 when not asked for."""
    flat = values.reshape(-1)
    found = np.zeros(4, np.float32)
    found[0], found[1] = flat.min(), flat.max()
    if with_quantiles:
        places = sorted({int(_LOW_SHARE * np.float32(flat.size)), int(_HIGH_SHARE * np.float32(flat.size))})
        ordered = np.partition(flat, places)
        found[2], found[3] = ordered[places[0]], ordered[places[-1]]
    return found


def histogram(values: Array, largest: np.float32) -> Array:
    """How many magnitudes of one run fall into each of BINS equal parts of [0, largest]; zeros are not counted."""
    magnitudes = np.abs(values.reshape(-1)).astype(np.float32)
    interval = np.float32(largest / np.float32(BINS))
    if not interval > 0:
        return np.zeros(BINS, np.int64)
    bins = np.minimum((magnitudes[magnitudes > 0] / interval).astype(np.int64), BINS - 1)
    return np.bincount(bins, minlength=BINS)


def whole_range(extents: Array) -> Range:
    """MAX_MIN: from the smallest to the largest value of all runs. `extents` has a row per run."""
    return np.float32(extents[:, 0].min()), np.float32(extents[:, 1].max())


def trimmed_range(extents: Array) -> Range:
    """REMOVAL_OUTLIER: the mean of the quantiles of all runs."""
    low, high = extents[:, 2:].astype(np.float64).mean(axis=0)
    return np.float32(low), np.float32(high)


def divergence_range(extents: Array, counts: Sequence[Array]) -> Range:
    """KL: the range cut off at the magnitude where 8 bits change the distribution least.

    The official converter takes the range from -T to T, which wastes half of the levels on an activation that is
    never negative; here a side that does not reach T keeps its own end.
    """
    low, high = whole_range(extents)
    largest = max(abs(low), abs(high))
    limit = np.float32(threshold(np.sum(counts, axis=0)) * float(largest) / BINS)
    return max(low, -limit), min(high, limit)


def threshold(counts: Array) -> float:
    """The number of bins to keep, between _TARGET_BINS and BINS, whose cut histogram diverges least.

    Every _STRIDE-th number is tried, then all around the best of them: the divergence changes slowly.
    """
    if not counts.sum():
        return BINS
    weights = counts.astype(np.float64)

    def best_of(candidates: Sequence[int]) -> int:
        return min(candidates, key=lambda bins: _cut_divergence(weights, bins))

    rough = best_of(range(_TARGET_BINS, BINS + 1, _STRIDE))
    best = best_of(range(max(rough - _STRIDE, _TARGET_BINS), min(rough + _STRIDE, BINS) + 1))
    return best if best == BINS else best + 0.5


def _cut_divergence(weights: Array, bins: int) -> float:
    """How far the histogram in 8 bits is from the one that is cut after `bins` bins, the rest in the last of them."""
    kept = weights[:bins].copy()
    kept[-1] += weights[bins:].sum()
    return _divergence(kept, _coarse(weights[:bins]))


def _coarse(weights: Array) -> Array:
    """The histogram as _TARGET_BINS levels would show it: each level spread evenly over its bins that are not empty."""
    bins = weights.size
    edges = np.arange(bins + 1, dtype=np.float64)
    borders = np.linspace(0, bins, _TARGET_BINS + 1)
    is_used = weights > 0
    sums = np.diff(np.interp(borders, edges, np.concatenate(([0.0], np.cumsum(weights)))))
    used = np.diff(np.interp(borders, edges, np.concatenate(([0.0], np.cumsum(is_used)))))
    heights = np.divide(sums, used, out=np.zeros_like(sums), where=used > 0)
    area = np.concatenate(([0.0], np.cumsum(heights * np.diff(borders))))
    return np.diff(np.interp(edges, borders, area)) * is_used


def _divergence(reference: Array, shown: Array) -> float:
    """Kullback-Leibler divergence of two histograms; what the second cannot show counts as 1."""
    total, total_shown = reference.sum(), shown.sum()
    if not total_shown:
        return np.inf
    p, q = reference / total, shown / total_shown
    is_both = (p > 0) & (q > 0)
    lost = np.count_nonzero((p > 0) & ~(q > 0))
    return float(np.sum(p[is_both] * np.log(p[is_both] / q[is_both])) + lost)
