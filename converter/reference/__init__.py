"""A numpy interpreter that reproduces the device's training runtime: forward, backward, optimizers, and its quirks.

The names below are imported when they are first asked for: a conversion needs parts of this room, but not its kernels.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from converter.reference.schedule import execution_order
    from converter.reference.session import Session, StepResult
    from converter.reference.training import TrainResult, run, train

__all__ = ["Session", "StepResult", "TrainResult", "execution_order", "run", "train"]

_HOMES = {"execution_order": "schedule", "Session": "session", "StepResult": "session"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes and functions
    """Import a name of this room from its module."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'training')}"), name)
