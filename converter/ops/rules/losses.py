"""Losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters import losses_elementwise as elements
from converter.ops.adapters.arithmetic import composed
from converter.ops.adapters.losses import (
    BATCH_MEAN,
    nll_loss,
    nll_loss_grad,
    one_hot_cross_entropy,
    sparse_cross_entropy,
)
from converter.ops.rule import REDUCTIONS, Rule, enum, ignore, keep

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDUCTION = {**enum(reduction=REDUCTIONS), **ignore("cust_aicpu")}
_DIVERGENCE = {**enum(reduction={**REDUCTIONS, "batchmean": BATCH_MEAN}), **ignore("cust_aicpu")}
_SMOOTH = {**_REDUCTION, **keep("beta"), **ignore("sigma")}
_NLL = {**_REDUCTION, **keep("ignore_index")}

RULES: Mapping[str, Rule] = {
    "BCEWithLogitsLoss": Rule("", _REDUCTION, adapter=elements.logits_cross_entropy),
    "BinaryCrossEntropy": Rule("BinaryCrossEntropy", _REDUCTION, adapter=elements.binary_cross_entropy),
    "BinaryCrossEntropyGrad": Rule("BinaryCrossEntropyGrad", _REDUCTION, adapter=elements.binary_cross_entropy_grad),
    "BinaryCrossEntropyWithLogitsBackward": Rule("", adapter=elements.logits_cross_entropy_grad),
    "KLDivLoss": Rule("", _DIVERGENCE, adapter=elements.kl_divergence),
    "KLDivLossGrad": Rule("", _DIVERGENCE, adapter=elements.kl_divergence_grad),
    "L2Loss": Rule("", adapter=composed(elements.half_square)),
    "NLLLoss": Rule("", _NLL, adapter=nll_loss),
    "NLLLossGrad": Rule("", _NLL, adapter=nll_loss_grad),
    "SigmoidCrossEntropyWithLogits": Rule("SigmoidCrossEntropyWithLogits"),
    "SigmoidCrossEntropyWithLogitsGrad": Rule("SigmoidCrossEntropyWithLogitsGrad"),
    "SmoothL1Loss": Rule("", _SMOOTH, adapter=elements.smooth_l1),
    "SmoothL1LossGrad": Rule("", _SMOOTH, adapter=elements.smooth_l1_grad),
    "SoftMarginLoss": Rule("", _REDUCTION, adapter=elements.soft_margin),
    "SoftMarginLossGrad": Rule("", _REDUCTION, adapter=elements.soft_margin_grad),
    "SoftmaxCrossEntropyWithLogits": Rule("SoftmaxCrossEntropyWithLogits", adapter=one_hot_cross_entropy),
    "SparseSoftmaxCrossEntropyWithLogits": Rule(
        "SparseSoftmaxCrossEntropyWithLogits",
        keep("is_grad", "sens"),
        adapter=sparse_cross_entropy,
    ),
}
