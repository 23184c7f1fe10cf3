"""A dynamic loss scale stays what it is.

MindSpore doubles it while no gradient overflows and halves it when one does. The device cannot see an overflow, so the
scale would double for ever, until the gradients themselves overflow. In float32 the scale changes no result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Note
from converter.ir.editing import remove, replace_uses

if TYPE_CHECKING:
    from converter.ir import Model

# The cell of mindspore.nn that updates the scale, in the name of its nodes.
_UPDATER = "LossScaleUpdateCell"


def hold_loss_scale(model: Model) -> bool:
    """Remove the updates of a dynamic loss scale; what they were computed from is then dead."""
    changed = False
    for graph in model.graphs:
        updates = [node for node in graph.nodes if node.op.startswith("Assign") and _UPDATER in node.name]
        for node in updates:
            for output in node.outputs:
                replace_uses(graph, output, node.inputs[0])
        remove(graph, updates)
        changed |= bool(updates)
    if changed:
        message = (
            "the dynamic loss scale keeps its value, because the device cannot see an overflow that would lower it"
        )
        model.notes.append(Note("training", message))
    return changed
