"""Memory of a training step, against LeNet-5 counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.zoo import Recording

from converter.api import convert
from converter.options import ConvertOptions
from converter.reference.memory import MemoryPlan, plan_memory

if TYPE_CHECKING:
    from converter.ir import Model

FLOAT = 4
BATCH = 4
# Kernels and biases of conv1, conv2, fc1, fc2, fc3.
PARAMETERS = 6 * 25 + 6 + 16 * 6 * 25 + 16 + 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10


@pytest.fixture(scope="module")
def lenet() -> Model:
    return convert(Recording("ms200", "lenet_momentum_sparse").model, ConvertOptions(train=True)).model


@pytest.fixture(scope="module")
def plan(lenet: Model) -> MemoryPlan:
    return plan_memory(lenet.main)


def test_every_parameter_has_one_slot(plan: MemoryPlan) -> None:
    assert plan.weights == plan.slots == PARAMETERS * FLOAT


def test_inputs_are_a_batch_of_images_and_labels(plan: MemoryPlan) -> None:
    assert plan.inputs == BATCH * 32 * 32 * FLOAT + BATCH * FLOAT


def test_the_peak_is_at_the_gradient_of_the_largest_weight(plan: MemoryPlan) -> None:
    """While dW of fc1 [120, 400] is made, the backward pass still needs every activation of the convolutions."""
    relu1, pool1 = BATCH * 28 * 28 * 6, BATCH * 14 * 14 * 6
    relu2, pool2 = BATCH * 10 * 10 * 16, BATCH * 5 * 5 * 16
    flat = d_relu2_reshaped = BATCH * 400
    d_relu_fc1, d_bias_fc1, loss = BATCH * 120, 120, 1
    made = 120 * 400
    alive = relu1 + pool1 + relu2 + pool2 + flat + d_relu2_reshaped + d_relu_fc1 + d_bias_fc1 + loss + made
    assert plan.peak is not None
    assert plan.peak.made == made * FLOAT
    assert plan.peak.alive == alive * FLOAT
