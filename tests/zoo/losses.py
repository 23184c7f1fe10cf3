"""Losses and the labels that they are fed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mindspore import Tensor, nn
from stand_ins import SoftMarginByHand

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Loss:
    """A loss cell `loss(logits, label)` and the function that draws labels for an output shape."""

    build: Callable[[], nn.Cell]
    label: Callable[[tuple[int, ...], np.random.RandomState], np.ndarray]


def class_ids(shape: tuple[int, ...], rng: np.random.RandomState) -> np.ndarray:
    """Labels [N] int32 for logits [N, C]."""
    return rng.randint(0, shape[1], shape[:1]).astype(np.int32)


def one_hot(shape: tuple[int, ...], rng: np.random.RandomState) -> np.ndarray:
    """Labels [N, C] float32 with one 1 in every row."""
    return np.eye(shape[1], dtype=np.float32)[class_ids(shape, rng)]


def normal(shape: tuple[int, ...], rng: np.random.RandomState) -> np.ndarray:
    """Targets of a regression, of the output's shape."""
    return rng.standard_normal(shape).astype(np.float32)


def bits(shape: tuple[int, ...], rng: np.random.RandomState) -> np.ndarray:
    """Independent 0/1 targets, float32."""
    return rng.randint(0, 2, shape).astype(np.float32)


def signs(shape: tuple[int, ...], rng: np.random.RandomState) -> np.ndarray:
    """Independent -1/+1 targets, float32."""
    return 2 * bits(shape, rng) - 1


def chances(shape: tuple[int, ...], rng: np.random.RandomState) -> np.ndarray:
    """A probability distribution per row."""
    raw = np.exp(normal(shape, rng))
    return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)


class Cosine(nn.Cell):
    """CosineEmbeddingLoss of the output with a target of its shape; rows alternate between alike and unlike."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = nn.CosineEmbeddingLoss(margin=0.1)
        self.alike = Tensor(np.array([1, -1, 1], np.int32))

    def construct(self, logits, label):
        return self.loss(logits, label, self.alike)


def _later(kind: str) -> Callable[[], nn.Cell]:
    """A loss by name: not every MindSpore has it, and the table must load in all of them."""
    return lambda: getattr(nn, kind)()


def _class_weights() -> Tensor:
    return Tensor(np.array([0.5, 1.5, 1.0, 2.0, 0.7], np.float32))


LOSSES = {
    "sparse": Loss(lambda: nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), class_ids),
    "sparse_sum": Loss(lambda: nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="sum"), class_ids),
    "sparse_none": Loss(lambda: nn.SoftmaxCrossEntropyWithLogits(sparse=True), class_ids),
    "onehot": Loss(lambda: nn.SoftmaxCrossEntropyWithLogits(sparse=False, reduction="mean"), one_hot),
    "onehot_sum": Loss(lambda: nn.SoftmaxCrossEntropyWithLogits(sparse=False, reduction="sum"), one_hot),
    "onehot_none": Loss(nn.SoftmaxCrossEntropyWithLogits, one_hot),
    "soft": Loss(lambda: nn.SoftmaxCrossEntropyWithLogits(reduction="mean"), chances),
    "mse": Loss(nn.MSELoss, one_hot),
    "mse_sum": Loss(lambda: nn.MSELoss(reduction="sum"), normal),
    "mse_none": Loss(lambda: nn.MSELoss(reduction="none"), normal),
    "rmse": Loss(nn.RMSELoss, normal),
    "mae": Loss(nn.MAELoss, normal),
    "l1": Loss(nn.L1Loss, normal),
    "l1_sum": Loss(lambda: nn.L1Loss(reduction="sum"), normal),
    "smooth_l1": Loss(lambda: nn.SmoothL1Loss(beta=0.7), normal),
    "smooth_l1_mean": Loss(lambda: nn.SmoothL1Loss(beta=0.7, reduction="mean"), normal),
    "huber": Loss(lambda: nn.HuberLoss(delta=0.8), normal),
    "ce": Loss(_later("CrossEntropyLoss"), class_ids),
    "ce_sum": Loss(lambda: nn.CrossEntropyLoss(reduction="sum"), class_ids),
    "ce_none": Loss(lambda: nn.CrossEntropyLoss(reduction="none"), class_ids),
    "ce_smooth": Loss(lambda: nn.CrossEntropyLoss(label_smoothing=0.1), class_ids),
    "ce_weight": Loss(lambda: nn.CrossEntropyLoss(weight=_class_weights()), class_ids),
    "ce_ignore": Loss(lambda: nn.CrossEntropyLoss(ignore_index=1), class_ids),
    "ce_chances": Loss(_later("CrossEntropyLoss"), chances),
    "nll": Loss(_later("NLLLoss"), class_ids),
    "bce": Loss(lambda: nn.BCELoss(reduction="mean"), bits),
    "bce_none": Loss(lambda: nn.BCELoss(reduction="none"), bits),
    "bce_logits": Loss(nn.BCEWithLogitsLoss, bits),
    "kldiv": Loss(_later("KLDivLoss"), chances),
    "kldiv_batchmean": Loss(lambda: nn.KLDivLoss(reduction="batchmean"), chances),
    "cosine": Loss(Cosine, normal),
    "soft_margin": Loss(nn.SoftMarginLoss, signs),
    "soft_margin_by_hand": Loss(SoftMarginByHand, signs),
    "hinge": Loss(_later("HingeEmbeddingLoss"), signs),
    "dice": Loss(nn.DiceLoss, bits),
    "focal": Loss(lambda: nn.FocalLoss(gamma=2.0), one_hot),
}
