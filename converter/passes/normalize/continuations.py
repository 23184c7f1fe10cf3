"""Calls only at the end of a graph.

The device cuts a graph that goes on after a call into two, and loses values on the way when that happens in a loop
(measured with runtime 2.0.0). So what follows a call becomes a graph of its own, which the called graphs call in turn.
"""

from __future__ import annotations

from converter.errors import ConversionError
from converter.ir import DType, Graph, Node, TensorType, Value
from converter.ir.editing import wire
from converter.ops.context import problem_at
from converter.passes.normalize.making import MADE_BY

_FUNCTION = TensorType(DType.FLOAT32, ())


def end_with_calls(main: Graph) -> None:
    """Cut every graph behind its first call, and let the called graphs go on with what was cut off.

    Every graph must be called from one place, but for the calls of a loop by itself.
    """
    pending, seen = [main], {id(main)}
    while pending:
        graph = pending.pop()
        place = next((index for index, node in enumerate(graph.nodes) if node.op == "call"), None)
        if place is not None and list(graph.nodes[place].outputs) != graph.outputs:
            _cut(graph, place)
        for callee in [each for node in graph.nodes for each in node.graphs]:
            if id(callee) not in seen:
                seen.add(id(callee))
                pending.append(callee)


def _cut(graph: Graph, place: int) -> None:
    """Make a graph of what follows the call at `place`."""
    call, late = graph.nodes[place], graph.nodes[place + 1 :]
    # The results that the call had are what the rest is given: whatever reads them, in graphs inside, still does.
    rest = Graph("", list(call.outputs), list(graph.outputs), late)
    del graph.nodes[place + 1 :]
    _go_on(call, rest, {id(graph)}, graph)
    graph.outputs[:] = call.outputs


def _go_on(call: Node, rest: Graph, done: set[int], cut: Graph) -> None:
    """Let the graphs that a call runs hand their results to `rest`; one that ends with a call lets that do so."""
    for graph in called(call):
        if id(graph) in done:
            continue
        if _reaches(graph, cut, rest):
            message = "a function calls itself and goes on afterwards, which cannot be converted"
            raise ConversionError([problem_at(call, "E206", message, "write the recursion as a loop")])
        done.add(id(graph))
        last = graph.nodes[-1] if graph.nodes else None
        if last is not None and last.op == "call" and list(last.outputs) == graph.outputs:
            _go_on(last, rest, done, cut)
            graph.outputs[:] = last.outputs
        else:
            _call_rest(graph, rest, call)
    wire(call, call.inputs, _results(rest))


def _reaches(graph: Graph, target: Graph, rest: Graph) -> bool:
    """Whether running a graph may run another before it goes on with `rest`."""
    pending, seen = [graph], {id(graph), id(rest)}
    while pending:
        found = [each for node in pending.pop().nodes for each in node.graphs if id(each) not in seen]
        if any(each is target for each in found):
            return True
        seen.update(map(id, found))
        pending += found
    return False


def called(call: Node) -> list[Graph]:
    """The graphs that a call may run."""
    function = call.inputs[0].producer
    binders = [function] if function is not None else []
    if function is not None and function.op == "Switch":
        binders = [value.producer for value in function.inputs[1:] if value.producer is not None]
    return [graph for each in binders for graph in each.graphs]


def _call_rest(graph: Graph, rest: Graph, like: Node) -> None:
    """End a graph with a call of `rest` on its results."""
    origin = like.origin.derived(MADE_BY)
    bound = Node("Partial", f"{like.name}/Partial", origin, graphs=(rest,))
    wire(bound, graph.outputs, [Value(bound.name, _FUNCTION)])
    call = wire(Node("call", like.name, origin), bound.outputs, _results(rest))
    graph.nodes += [bound, call]
    graph.outputs[:] = call.outputs


def _results(rest: Graph) -> list[Value]:
    """Results of a call that ends with `rest`."""
    return [Value(value.name, value.type) for value in rest.outputs]
