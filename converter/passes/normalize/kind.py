"""Does the model fit what was asked for: training or inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import fail
from converter.passes.normalize.side_effects import written

if TYPE_CHECKING:
    from converter.ir import Model, Node


def require_training_step(model: Model) -> bool:
    """Refuse a model without an update of weights: the device would open it for inference only."""
    if _updates(model):
        return False
    raise fail(
        "E207",
        "the model has no optimizer, so there is nothing to train",
        path=model.path,
        hint="export TrainOneStepCell(WithLossCell(network, loss), optimizer), or convert without --trainModel=true",
    )


def require_inference(model: Model) -> bool:
    """Refuse a training step: converted for inference, it would neither train nor predict."""
    updates = _updates(model)
    if not updates:
        return False
    raise fail(
        "E207",
        f"the model is a training step: {updates[0].op} updates its parameters",
        path=model.path,
        node=updates[0].name,
        hint="convert with --trainModel=true, or export the network without loss and optimizer",
    )


def _updates(model: Model) -> list[Node]:
    """Nodes that write parameters."""
    return [node for graph in model.graphs for node in graph.nodes if written(node)]
