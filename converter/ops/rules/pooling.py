"""Pooling, resizing, padding and dropout, with their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.dropout import dropout, dropout_gradient
from converter.ops.adapters.pooling import (
    adaptive_average_pool,
    adaptive_average_pool_gradient,
    average_pool_gradient,
    pool,
)
from converter.ops.adapters.resizing import LINEAR, NEAREST, mirror_pad, nearest_gradient, pad, pad_v3, resize
from converter.ops.rule import NCHW_ONLY, PAD_MODES, Rule, enum, ignore, keep, require, sized

if TYPE_CHECKING:
    from collections.abc import Mapping

_NHWC = {"format": 1}
_POOL = {**NCHW_ONLY, **sized("kernel_size", "strides"), **enum(pad_mode=PAD_MODES)}
_COORDINATES = keep("align_corners", "half_pixel_centers")
_GRADIENT = {**keep("align_corners"), **require(half_pixel_centers=(False,))}
_DROPOUT = {**keep("keep_prob"), **ignore("Seed0", "Seed1", "seed0", "seed1", "side_effect_hidden")}

RULES: Mapping[str, Rule] = {
    "AdaptiveAvgPool2D": Rule("", ignore("output_size"), adapter=adaptive_average_pool),
    "AdaptiveAvgPool2DGrad": Rule("", adapter=adaptive_average_pool_gradient),
    "AvgPool": Rule("AvgPoolFusion", _POOL, _NHWC, adapter=pool),
    "AvgPoolGrad": Rule("AvgPoolGrad", _POOL, _NHWC, adapter=average_pool_gradient),
    "Dropout": Rule("Dropout", _DROPOUT, adapter=dropout),
    "DropoutGrad": Rule("DropoutGrad", _DROPOUT, adapter=dropout_gradient),
    "MaxPool": Rule("MaxPoolFusion", _POOL, _NHWC, adapter=pool),
    "MaxPoolGrad": Rule("MaxPoolGrad", _POOL, _NHWC, adapter=pool),
    "MirrorPad": Rule("", keep("mode"), adapter=mirror_pad),
    "Pad": Rule("", keep("paddings"), adapter=pad),
    "PadV3": Rule("", keep("mode", "paddings_contiguous"), adapter=pad_v3),
    "ResizeBilinear": Rule("", {**keep("size"), **_COORDINATES}, adapter=resize(LINEAR)),
    "ResizeBilinearGrad": Rule("ResizeGrad", _GRADIENT, {"method": LINEAR}),
    "ResizeBilinearV2": Rule("", _COORDINATES, adapter=resize(LINEAR)),
    "ResizeNearestNeighbor": Rule("", {**keep("size"), **_COORDINATES}, adapter=resize(NEAREST)),
    "ResizeNearestNeighborGrad": Rule("ResizeGrad", _GRADIENT, {"method": NEAREST}, adapter=nearest_gradient),
    "ResizeNearestNeighborV2": Rule("", _COORDINATES, adapter=resize(NEAREST)),
}
