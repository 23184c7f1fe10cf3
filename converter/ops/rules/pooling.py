"""Pooling, resizing, padding and dropout, with their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.dropout import dropout, dropout_gradient
from converter.ops.adapters.padded_pooling import (
    average_pool_volume,
    average_pool_volume_gradient,
    max_pool_volume,
    max_pool_volume_gradient,
)
from converter.ops.adapters.pooling import (
    adaptive_average_pool,
    adaptive_average_pool_gradient,
    average_pool_gradient,
    pool,
)
from converter.ops.adapters.resizing import (
    LINEAR,
    NEAREST,
    bilinear_gradient,
    mirror_pad,
    mirror_pad_gradient,
    nearest_gradient,
    pad,
    pad_v3,
    resize,
)
from converter.ops.rule import NCHW_ONLY, PAD_MODES, Rule, enum, ignore, keep, rename, require, sized

if TYPE_CHECKING:
    from collections.abc import Mapping

_NHWC = {"format": 1}
_POOL = {**NCHW_ONLY, **sized("kernel_size", "strides"), **enum(pad_mode=PAD_MODES)}
_COORDINATES = keep("align_corners", "half_pixel_centers")
_GRADIENT = {**keep("align_corners"), **require(half_pixel_centers=(False,))}
_DROPOUT = {**keep("keep_prob"), **ignore("Seed0", "Seed1", "seed0", "seed1", "side_effect_hidden")}
_VOLUME = require(format=("NCDHW", 2), data_format=("NCDHW", 2))
_MAX_VOLUME = {
    **_VOLUME,
    **keep("strides", "dilation"),
    **rename(ksize="kernel_size", pads="pad_list"),
    **ignore("argmax_type", "ceil_mode"),
}
_MEAN_VOLUME = {
    **_VOLUME,
    **keep("kernel_size", "strides", "pad_list", "count_include_pad", "divisor_override"),
    **enum(pad_mode=PAD_MODES),
    **ignore("pad", "ceil_mode", "origin_input_shape"),
}

RULES: Mapping[str, Rule] = {
    "AdaptiveAvgPool2D": Rule("", ignore("output_size"), adapter=adaptive_average_pool),
    "AdaptiveAvgPool2DGrad": Rule("", adapter=adaptive_average_pool_gradient),
    "AvgPool": Rule("AvgPoolFusion", _POOL, _NHWC, adapter=pool),
    "AvgPool3D": Rule("", _MEAN_VOLUME, adapter=average_pool_volume),
    "AvgPool3DGrad": Rule("", _MEAN_VOLUME, adapter=average_pool_volume_gradient),
    "AvgPoolGrad": Rule("AvgPoolGrad", _POOL, _NHWC, adapter=average_pool_gradient),
    "Dropout": Rule("Dropout", _DROPOUT, adapter=dropout),
    "DropoutGrad": Rule("DropoutGrad", _DROPOUT, adapter=dropout_gradient),
    "MaxPool": Rule("MaxPoolFusion", _POOL, _NHWC, adapter=pool),
    "MaxPool3DGradWithArgmax": Rule("", _MAX_VOLUME, adapter=max_pool_volume_gradient),
    "MaxPool3DWithArgmax": Rule("", _MAX_VOLUME, adapter=max_pool_volume),
    "MaxPoolGrad": Rule("MaxPoolGrad", _POOL, _NHWC, adapter=pool),
    "MirrorPad": Rule("", keep("mode"), adapter=mirror_pad),
    "MirrorPadGrad": Rule("", keep("mode"), adapter=mirror_pad_gradient),
    "Pad": Rule("", keep("paddings"), adapter=pad),
    "PadV3": Rule("", keep("mode", "paddings_contiguous"), adapter=pad_v3),
    "ResizeBilinear": Rule("", {**keep("size"), **_COORDINATES}, adapter=resize(LINEAR)),
    "ResizeBilinearGrad": Rule("", _COORDINATES, adapter=bilinear_gradient),
    "ResizeBilinearV2": Rule("", _COORDINATES, adapter=resize(LINEAR)),
    "ResizeNearestNeighbor": Rule("", {**keep("size"), **_COORDINATES}, adapter=resize(NEAREST)),
    "ResizeNearestNeighborGrad": Rule("ResizeGrad", _GRADIENT, {"method": NEAREST}, adapter=nearest_gradient),
    "ResizeNearestNeighborV2": Rule("", _COORDINATES, adapter=resize(NEAREST)),
}
