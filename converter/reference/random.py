"""Dropout: random on the device; here every session draws the same masks, and a test may give its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from converter.reference.call import Call, Outputs

_SEED = 0


def dropout(call: Call) -> Outputs:
    """Dropout(x) -> (y, mask of 0 and 1): y = x * mask / keep_prob in training, x itself in eval.

    The mask comes from `call.state["mask"]` when something has put one there, else from a generator with a fixed
    seed; the device's own generator is not reproduced.
    """
    x, keep = call[0], call.number("keep_prob")
    call.demand(bool(0 <= keep <= 1), f"has the keep probability {keep}")
    if not call.is_training or keep == 1:
        return x, np.ones_like(x)
    mask = call.state.get("mask")
    if mask is None:
        generator = call.state.setdefault("generator", np.random.default_rng(_SEED))
        mask = (generator.random(x.shape) < keep).astype(np.float32)
    return x * mask / keep if keep else np.zeros_like(x), mask


def dropout_grad(call: Call) -> Outputs:
    """DropoutGrad(dy, mask) -> dy * mask / keep_prob."""
    return (call[0] * call[1] / call.number("keep_prob"),)
