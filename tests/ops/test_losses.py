"""Losses that recorded networks do not show: reductions, weights, ignored labels, and those without a CPU kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.one_operator import Fixed, compute, normal, operators

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

ROWS, CLASSES = 7, 5
SHAPE = (ROWS, CLASSES)
ONE = np.float32(1.0)
WEIGHT = np.array([0.5, 1.5, 1.0, 2.0, 0.7], np.float32)
REDUCTIONS = ["none", "mean", "sum"]
LABELS = np.array([0, 4, 2, 1, 3, 1, 0], np.int32)


def sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x.astype(np.float64))))


def reduced(losses: Array, reduction: str) -> Array:
    return np.asarray({"none": losses, "mean": losses.mean(), "sum": losses.sum()}[reduction])


def shape_of(reduction: str) -> tuple[int, ...]:
    return SHAPE if reduction == "none" else ()


def seeds(reduction: str) -> Array:
    """Gradient that reaches a loss."""
    return normal(*SHAPE, seed=5) if reduction == "none" else np.asarray(0.75, np.float32)


def per_element(seed: Array, reduction: str) -> Array:
    return np.asarray(seed / (ROWS * CLASSES) if reduction == "mean" else seed)


def nll(chances: Array, labels: Array, reduction: str, ignored: int) -> tuple[Array, float]:
    kept = (labels != ignored) & (labels >= 0)
    weights = np.where(kept, WEIGHT[np.where(kept, labels, 0)], 0.0)
    losses = -chances[np.arange(ROWS), np.where(kept, labels, 0)] * weights
    total = float(weights.sum())
    return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / total}[reduction], total


@pytest.mark.parametrize("ignored", [-100, 1])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_negative_log_likelihood_weighs_and_leaves_out_the_ignored_label(reduction: str, ignored: int) -> None:
    chances = -np.abs(normal(*SHAPE))
    labels = LABELS.copy()
    labels[2] = ignored
    expected, total = nll(chances, labels, reduction, ignored)
    shape = (ROWS,) if reduction == "none" else ()
    found = compute(
        "NLLLoss", chances, labels, Fixed(WEIGHT), results=[shape, ()], reduction=reduction, ignore_index=ignored
    )
    np.testing.assert_allclose(found[0], expected, rtol=2e-6)
    if reduction == "mean":
        np.testing.assert_allclose(found[1], total, rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gradient_of_the_negative_log_likelihood_skips_the_ignored_label(reduction: str) -> None:
    labels = LABELS.copy()
    labels[3] = -100
    kept = labels >= 0
    weights = np.where(kept, WEIGHT[np.where(kept, labels, 0)], 0.0)
    seed = normal(ROWS, seed=5) if reduction == "none" else np.asarray(0.75, np.float32)
    expected = np.zeros(SHAPE)
    share = -weights * seed / (weights.sum() if reduction == "mean" else 1.0)
    expected[np.arange(ROWS), np.where(kept, labels, 0)] = share
    total = np.asarray(weights.sum(), np.float32)
    operands = (normal(*SHAPE), seed, labels, Fixed(WEIGHT), total)
    (found,) = compute("NLLLossGrad", *operands, results=[SHAPE], reduction=reduction, ignore_index=-100)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("positive", [None, WEIGHT])
@pytest.mark.parametrize("weight", [None, WEIGHT[::-1].copy()])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_logits_loss_with_weights_of_elements_and_positives(
    reduction: str, weight: Array | None, positive: Array | None
) -> None:
    x, y = normal(*SHAPE), (normal(*SHAPE, seed=4) > 0).astype(np.float32)
    factor = y * (positive if positive is not None else 1.0)
    losses = -(factor * np.log(sigmoid(x)) + (1 - y) * np.log(sigmoid(-x))) * (weight if weight is not None else 1.0)
    operands = (x, y, Fixed(weight), Fixed(positive))
    (found,) = compute("BCEWithLogitsLoss", *operands, results=[shape_of(reduction)], reduction=reduction)
    np.testing.assert_allclose(found, reduced(losses, reduction), rtol=3e-6, atol=1e-6)

    slope = (sigmoid(x) * (1 - y) - factor * sigmoid(-x)) * (weight if weight is not None else 1.0)
    seed = seeds(reduction)
    code = {"sum": 0, "mean": 1, "none": 2}[reduction]
    name = "BinaryCrossEntropyWithLogitsBackward"
    (found,) = compute(name, seed, *operands, Fixed(code), results=[SHAPE])
    np.testing.assert_allclose(found, slope * per_element(seed, reduction), rtol=3e-6, atol=1e-6)


def test_weights_of_ones_cost_nothing() -> None:
    ones = Fixed(np.ones(SHAPE, np.float32))
    x, y = normal(*SHAPE), normal(*SHAPE)
    made = operators("BCEWithLogitsLoss", x, y, ones, ones, results=[()], reduction="mean")
    assert made == ["SigmoidCrossEntropyWithLogits", "ReduceFusion"]
    assert operators("BinaryCrossEntropy", x, y, ones, results=[()], reduction="mean") == ["BinaryCrossEntropy"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_smooth_l1_reads_the_gradient_of_a_reduced_loss_for_every_element(reduction: str) -> None:
    x, y = normal(*SHAPE), normal(*SHAPE, seed=4)
    distance = x.astype(np.float64) - y
    losses = np.where(np.abs(distance) < 0.7, distance**2 / 1.4, np.abs(distance) - 0.35)
    (found,) = compute("SmoothL1Loss", x, y, results=[shape_of(reduction)], beta=0.7, reduction=reduction)
    np.testing.assert_allclose(found, reduced(losses, reduction), rtol=2e-6)
    seed = seeds(reduction)
    expected = np.clip(distance / 0.7, -1, 1) * per_element(seed, reduction)
    for operand in (seed, Fixed(seed)):
        (found,) = compute("SmoothL1LossGrad", x, y, operand, results=[SHAPE], beta=0.7, reduction=reduction)
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
def test_divergence_of_a_target_of_zero_is_zero_instead_of_nan(reduction: str) -> None:
    chances, target = -np.abs(normal(*SHAPE)), np.abs(normal(*SHAPE, seed=4))
    target[1, 2] = 0.0
    losses = np.where(target > 0, target * (np.log(np.where(target > 0, target, 1.0)) - chances), 0.0)
    expected = losses.sum() / ROWS if reduction == "batchmean" else reduced(losses, reduction)
    (found,) = compute("KLDivLoss", chances, target, results=[shape_of(reduction)], reduction=reduction)
    np.testing.assert_allclose(found, expected, rtol=3e-6, atol=1e-6)
    seed = seeds(reduction)
    share = seed / ROWS if reduction == "batchmean" else per_element(seed, reduction)
    (found,) = compute("KLDivLossGrad", seed, chances, target, results=[SHAPE], reduction=reduction)
    np.testing.assert_allclose(found, -target * share, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_soft_margin_follows_its_definition_where_mindspore_has_no_cpu_kernel(reduction: str) -> None:
    x, y = 5 * normal(*SHAPE), np.sign(normal(*SHAPE, seed=4))
    losses = np.logaddexp(0.0, -y.astype(np.float64) * x)
    (found,) = compute("SoftMarginLoss", x, y, results=[shape_of(reduction)], reduction=reduction)
    np.testing.assert_allclose(found, reduced(losses, reduction), rtol=1e-5, atol=1e-6)
    seed = seeds(reduction)
    expected = -y * sigmoid(-y * x) * per_element(seed, reduction)
    (found,) = compute("SoftMarginLossGrad", x, y, seed, results=[SHAPE], reduction=reduction)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_scaled_gradient_of_the_sparse_cross_entropy_is_scaled() -> None:
    name, x = "SparseSoftmaxCrossEntropyWithLogits", normal(*SHAPE)
    (plain,) = compute(name, x, LABELS, results=[SHAPE], is_grad=True, sens=1.0)
    (scaled,) = compute(name, x, LABELS, results=[SHAPE], is_grad=True, sens=8.0)
    np.testing.assert_allclose(scaled, 8 * plain, rtol=1e-6)


def test_half_the_squares() -> None:
    x = normal(*SHAPE)
    (found,) = compute("L2Loss", x, results=[()])
    np.testing.assert_allclose(found, 0.5 * (x.astype(np.float64) ** 2).sum(), rtol=1e-6)
