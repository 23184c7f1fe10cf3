"""Control flow resolved before anything else, as far as it does not depend on data.

MindIR expresses it with functions: `Partial` binds arguments to a graph, `Switch` picks one of two functions by a
condition, `call` runs one. A loop is a graph that calls itself through a Switch.

* A call becomes the nodes of the graph that it calls.
* A Switch whose condition is known picks; a loop with constant bounds thereby unrolls.
* A Switch on data picks one of two graphs, and a loop on data is a graph that calls itself. But a training session of
  the device runs one graph only: in a model that trains, both branches run, and Select picks among their results.
  Assignments in a branch keep the old value when the branch is not taken. What else updates parameters in a branch is
  refused, and so are loops on data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir import Note
from converter.ir.editing import wire
from converter.passes.normalize.closures import close_graphs
from converter.passes.normalize.continuations import end_with_calls
from converter.passes.normalize.inlining import Inliner
from converter.passes.normalize.known_values import OVERFLOW_STATUS
from converter.passes.normalize.making import MADE_BY
from converter.passes.normalize.side_effects import written
from converter.passes.normalize.subgraphs import Loops, RunAgainError

if TYPE_CHECKING:
    from converter.ir import Model, Value

_FUNCTIONS = frozenset({"call", "Partial", "partial", "Switch", "switch", "SwitchLayer", "switch_layer"})


def resolve_control_flow(model: Model) -> bool:
    """Inline calls and unroll loops with constant bounds; what depends on data becomes graphs, or selections."""
    nodes = [node for graph in model.graphs for node in graph.nodes if node.op in _FUNCTIONS]
    if all(node.origin.made_by == MADE_BY for node in nodes):
        return False
    main = model.main
    trains = any(written(node) for graph in model.graphs for node in graph.nodes)
    inliner, outputs = _run(model, None if trains else Loops())
    if any(node.op in OVERFLOW_STATUS for node in main.nodes):
        message = "loss scaling does not watch for overflow, for which the device has no means"
        model.notes.append(Note("dropped", message))
    for graph in model.graphs:
        for node in graph.nodes:
            wire(node, (), ())
    main.nodes[:] = inliner.made
    main.outputs[:] = outputs
    end_with_calls(main)
    model.graphs[:] = close_graphs(main)
    return True


def _run(model: Model, loops: Loops | None) -> tuple[Inliner, list[Value]]:
    """Run the model until every loop on data is known for what it is."""
    while True:
        inliner = Inliner(model, loops)
        try:
            return inliner, inliner.run_main()
        except RunAgainError:
            inliner.forget()
            if loops is not None:
                loops.again()
