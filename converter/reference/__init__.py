"""A numpy interpreter that reproduces the device's training runtime: forward, backward, optimizers, and its quirks."""

from converter.reference.schedule import execution_order
from converter.reference.session import Session, StepResult
from converter.reference.training import TrainResult, run, train

__all__ = ["Session", "StepResult", "TrainResult", "execution_order", "run", "train"]
