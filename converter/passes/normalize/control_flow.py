"""Control flow resolved before anything else, because a training session of the device runs none.

MindIR expresses it with functions: `Partial` binds arguments to a graph, `Switch` picks one of two functions by a
condition, `call` runs one. A loop is a graph that calls itself through a Switch.

* A call becomes the nodes of the graph that it calls.
* A Switch whose condition is known picks; a loop with constant bounds thereby unrolls.
* A Switch on data runs both branches, and Select picks among their results. Assignments in a branch keep the old value
  when the branch is not taken. What else updates parameters in a branch is refused, and so are loops on data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Note
from converter.ir.editing import wire
from converter.passes.normalize.inlining import Inliner
from converter.passes.normalize.known_values import OVERFLOW_STATUS

if TYPE_CHECKING:
    from converter.ir import Model

_FUNCTIONS = frozenset({"call", "Partial", "partial", "Switch", "switch"})


def resolve_control_flow(model: Model) -> bool:
    """Inline calls, unroll loops with constant bounds, and turn a choice that depends on data into a selection."""
    if not any(node.op in _FUNCTIONS for graph in model.graphs for node in graph.nodes):
        return False
    main = model.main
    inliner = Inliner(model)
    outputs = inliner.run_main()
    if any(node.op in OVERFLOW_STATUS for node in main.nodes):
        message = "loss scaling does not watch for overflow, for which the device has no means"
        model.notes.append(Note("dropped", message))
    for graph in model.graphs:
        for node in graph.nodes:
            wire(node, (), ())
    model.graphs[:] = [main]
    main.nodes[:] = inliner.made
    main.outputs[:] = outputs
    return True
