"""Gathering and scattering by computed positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters import indexing
from converter.ops.rule import Rule, keep, require

if TYPE_CHECKING:
    from collections.abc import Mapping

_GATHER = Rule("Gather", require(batch_dims=(0,)), adapter=indexing.gather)

RULES: Mapping[str, Rule] = {
    "Gather": _GATHER,
    "GatherNd": Rule("GatherNd"),
    "GatherV2": _GATHER,
    "OneHot": Rule("OneHot", keep("axis")),
    "ScatterNd": Rule("ScatterNd", adapter=indexing.scatter),
    "SparseGatherV2": _GATHER,
    "TensorScatterAdd": Rule("TensorScatterAdd"),
    "TensorScatterUpdate": Rule("ScatterNdUpdate"),
    "UnsortedSegmentSum": Rule("UnsortedSegmentSum", adapter=indexing.segment_sum),
}
