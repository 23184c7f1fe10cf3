"""Normalization layers and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.group_normalization import (
    group_norm,
    group_norm_gradient,
    instance_norm,
    instance_norm_gradient,
)
from converter.ops.adapters.normalization import batch_norm, batch_norm_gradient, layer_norm, layer_norm_gradient
from converter.ops.rule import NCHW_ONLY, AttrRule, Rule, from_table, ignore, keep

if TYPE_CHECKING:
    from collections.abc import Mapping

_AXES = keep("begin_norm_axis", "begin_params_axis")

RULES: Mapping[str, Rule] = {
    "BatchNorm": Rule(
        "FusedBatchNorm",
        {**NCHW_ONLY, **keep("epsilon", "momentum"), "is_training": AttrRule("mode", from_table({True: 1, False: 0}))},
        writes=(3, 4),
        writes_if="is_training",
        adapter=batch_norm,
    ),
    "BatchNormGrad": Rule(
        "BatchNormGrad", {**NCHW_ONLY, **keep("epsilon", "is_training")}, adapter=batch_norm_gradient
    ),
    "GroupNorm": Rule("", adapter=group_norm),
    "GroupNormGrad": Rule("", adapter=group_norm_gradient),
    "InstanceNorm": Rule("", {**keep("epsilon"), **ignore("momentum")}, adapter=instance_norm),
    "InstanceNormGrad": Rule("", ignore("epsilon", "momentum"), adapter=instance_norm_gradient),
    "LayerNorm": Rule(
        "LayerNormFusion", {**_AXES, **keep("epsilon")}, {"elementwise_affine": True}, adapter=layer_norm
    ),
    "LayerNormGrad": Rule("", {**_AXES, **keep("epsilon")}, adapter=layer_norm_gradient),
}
