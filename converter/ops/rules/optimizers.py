"""Optimizers and updates of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.adam_optimizers import adam_step_only, adam_weight_decay, adamax, amsgrad, amsgrad_v2
from converter.ops.adapters.adaptive_optimizers import (
    adadelta,
    adagrad,
    ftrl,
    gradient_descent,
    proximal_adagrad,
    proximal_descent,
    rmsprop,
    rmsprop_centered,
)
from converter.ops.adapters.layerwise_optimizers import adafactor, clip_by_norm, lamb, lars
from converter.ops.adapters.optimizers import assign_add, assign_mul, assign_sub, momentum, sgd, update
from converter.ops.rule import Rule, ignore, keep

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCKING = ignore("use_locking")

RULES: Mapping[str, Rule] = {
    "Adam": Rule("Adam", keep("use_locking", "use_nesterov"), writes=(0, 1, 2), adapter=update),
    "AdamNoUpdateParam": Rule("", {**_LOCKING, **keep("use_nesterov")}, writes=(0, 1), adapter=adam_step_only),
    "AdamWeightDecay": Rule("", _LOCKING, writes=(0, 1, 2), adapter=adam_weight_decay),
    "ApplyAdaMax": Rule("", writes=(0, 1, 2), adapter=adamax),
    "ApplyAdadelta": Rule("", writes=(0, 1, 2), adapter=adadelta),
    "ApplyAdagrad": Rule("", keep("update_slots"), writes=(0, 1), adapter=adagrad),
    "ApplyAdagradV2": Rule("", keep("update_slots", "epsilon"), writes=(0, 1), adapter=adagrad),
    "ApplyAdamWithAmsgrad": Rule(
        "", {**_LOCKING, **keep("beta1", "beta2", "epsilon")}, writes=(0, 1, 2, 3), adapter=amsgrad
    ),
    "ApplyAdamWithAmsgradV2": Rule("", _LOCKING, writes=(0, 1, 2, 3), adapter=amsgrad_v2),
    "ApplyCenteredRMSProp": Rule("", _LOCKING, writes=(0, 1, 2, 3), adapter=rmsprop_centered),
    "ApplyFtrl": Rule("", _LOCKING, writes=(0, 1, 2), adapter=ftrl),
    "ApplyGradientDescent": Rule("", _LOCKING, writes=(0,), adapter=gradient_descent),
    "ApplyMomentum": Rule(
        "ApplyMomentum",
        keep("use_nesterov", "use_locking", "gradient_scale"),
        {"gradient_scale": 1.0},
        writes=(0, 1),
        adapter=momentum,
    ),
    "ApplyProximalAdagrad": Rule("", _LOCKING, writes=(0, 1), adapter=proximal_adagrad),
    "ApplyProximalGradientDescent": Rule("", _LOCKING, writes=(0,), adapter=proximal_descent),
    "ApplyRMSProp": Rule("", _LOCKING, writes=(0, 1, 2), adapter=rmsprop),
    "Assign": Rule("Assign", writes=(0,), adapter=update),
    "AssignAdd": Rule("Assign", writes=(0,), adapter=assign_add),
    "AssignSub": Rule("Assign", writes=(0,), adapter=assign_sub),
    "ClipByNorm": Rule("", keep("axis"), adapter=clip_by_norm),
    "FusedAdaFactor": Rule(
        "",
        keep("enable_scale_parameter", "enable_first_moment", "enable_weight_decay"),
        writes=(7, 8, 9, 10, 11),
        adapter=adafactor,
    ),
    "InplaceMul": Rule("Assign", writes=(0,), adapter=assign_mul),
    "LARSUpdate": Rule("", keep("epsilon", "hyperpara", "use_clip"), adapter=lars),
    "Lamb": Rule("", writes=(0, 1, 2), adapter=lamb),
    "SGD": Rule("SGD", keep("nesterov", "dampening", "weight_decay"), writes=(0, 3, 5), adapter=sgd),
}
