"""Calls, branches and loops of MindIR become one graph; numbers against what Python would compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.graphs import constant, literal, model, node, numbered, value
from support.refusals import refusals

from converter.ir import DType, Graph, Model, Stage, Value
from converter.passes.base import Modes
from converter.passes.normalize.control_flow import resolve_control_flow
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Node

Array = np.ndarray[Any, np.dtype[Any]]
X = np.array([[1, 2, 3], [5, 7, 11]], np.float32)


def scalar(name: str, dtype: DType = DType.INT32) -> Value:
    return value(name, dtype=dtype)


def number(name: str, wanted: int) -> Value:
    return numbered(name, np.array(wanted, np.int32))


def like_x(name: str) -> Value:
    return value(name, *X.shape)


def call(target: Graph | Value, arguments: Sequence[Value], results: Sequence[Value], name: str = "call") -> Node:
    """A call of a graph or of a function value."""
    inputs = list(arguments) if isinstance(target, Graph) else [target, *arguments]
    made = node("call", inputs, results, {"side_effect_mem": True}, name=name)
    made.graphs = (target,) if isinstance(target, Graph) else ()
    return made


def bind(target: Graph, arguments: Sequence[Value], name: str) -> Node:
    """A Partial."""
    made = node("Partial", arguments, [value(name)], name=name)
    made.graphs = (target,)
    return made


def choose(condition: Value, branches: Sequence[Node]) -> Node:
    """A Switch between two functions."""
    return node("Switch", [condition, *(each.outputs[0] for each in branches)], [value("switch")], name="switch")


def is_positive(x: Value) -> list[Node]:
    """Nodes whose last result says whether the sum of x is positive."""
    total = node("ReduceSum", [x, literal(())], [value("total")], {"keep_dims": False})
    zero = numbered("zero", np.array(0, np.float32))
    return [total, node("Greater", [total.outputs[0], zero], [scalar("positive", DType.BOOL)])]


def branch(name: str, op: str) -> Graph:
    """A graph of one operator on its input."""
    x = like_x(f"{name}.x")
    made = node(op, [x], [like_x(f"{name}.y")], name=name)
    return Graph(name, [x], list(made.outputs), [made])


def source(nodes: Sequence[Node], outputs: Sequence[Value], inputs: Sequence[Value], *graphs: Graph) -> Model:
    made = model(nodes, inputs, outputs, Stage.SOURCE)
    made.graphs += graphs
    return made


def graph_nodes(graphs: Sequence[Graph]) -> list[Node]:
    """The nodes of several graphs."""
    return [each for graph in graphs for each in graph.nodes]


def infer(made: Model, *arrays: Array) -> list[Array]:
    run_passes(made, PIPELINE, modes=Modes.INFERENCE, verify_each=True)
    return list(Session(made).infer(list(arrays)).values())


def step(made: Model, *arrays: Array) -> Session:
    run_passes(made, PIPELINE, modes=Modes.TRAINING, verify_each=True)
    session = Session(made)
    session.step(list(arrays))
    return session


def counted(limit: Value, start: int = 0, change: int = 1) -> tuple[Model, Value]:
    """`while i < limit: x = x * x - x; i += change`, as MindSpore writes it; the model and its input."""
    header, body, done = Graph("header"), Graph("body"), Graph("done")
    hi, hx, bi, bx, dx = scalar("hi"), like_x("hx"), scalar("bi"), like_x("bx"), like_x("dx")
    test = node("Less", [hi, limit], [scalar("goes_on", DType.BOOL)])
    go, stop = bind(body, [hi, hx], "go"), bind(done, [hx], "stop")
    switch = choose(test.outputs[0], [go, stop])
    last = call(switch.outputs[0], [], [like_x("result")], "loop")
    header.inputs, header.nodes, header.outputs = [hi, hx], [test, go, stop, switch, last], list(last.outputs)
    square = node("Mul", [bx, bx], [like_x("square")])
    less = node("Sub", [square.outputs[0], bx], [like_x("less")])
    more = node("Add", [bi, number("change", change)], [scalar("more")])
    again = call(header, [more.outputs[0], less.outputs[0]], [like_x("again")], "again")
    body.inputs, body.nodes, body.outputs = [bi, bx], [square, less, more, again], list(again.outputs)
    done.inputs, done.outputs = [dx], [dx]
    x = like_x("x")
    main = call(header, [number("start", start), x], [like_x("y")], "main")
    return source([main], main.outputs, [x], header, body, done), x


def test_a_loop_with_constant_bounds_unrolls() -> None:
    made, _ = counted(number("limit", 3))
    (found,) = infer(made, X)
    wanted = X.copy()
    for _ in range(3):
        wanted = wanted * wanted - wanted
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert len(made.main.nodes) == 2 * 3


def test_a_loop_that_runs_a_thousand_times_needs_no_depth() -> None:
    made, _ = counted(number("limit", 1000))
    assert resolve_control_flow(made)
    assert len(made.main.nodes) == 2 * 1000


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_loop_whose_bound_is_an_input_is_a_graph_that_calls_itself(limit: int) -> None:
    bound = scalar("limit")
    made, x = counted(bound)
    made.main.inputs[:] = [x, bound]
    (found,) = infer(made, X, np.array(limit, np.int32))
    wanted = X.copy()
    for _ in range(limit):
        wanted = wanted * wanted - wanted
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    _, loop, body, _ = made.graphs
    assert any(loop in each.graphs for each in body.nodes)


def test_a_loop_whose_bound_is_an_input_is_refused_in_a_training_step() -> None:
    bound = scalar("limit")
    made, x = counted(bound)
    state = constant("state", 2, 3)
    made.main.nodes.append(node("Assign", [state, x], [like_x("assigned")], {"side_effect_mem": True}))
    made.main.inputs[:] = [x, bound]
    (problem,) = refusals(lambda: resolve_control_flow(made))
    assert problem.code == "E206"
    assert "depends on data" in problem.message


def test_a_loop_without_end_is_refused() -> None:
    made, _ = counted(number("limit", 3), change=0)
    (problem,) = refusals(lambda: resolve_control_flow(made))
    assert (problem.code, "has not ended" in problem.message or "make more" in problem.message) == ("E206", True)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("trains", [False, True])
def test_a_condition_on_data_calls_one_of_two_graphs_or_selects_among_both(sign: int, *, trains: bool) -> None:
    x, then, otherwise = like_x("x"), branch("square", "Square"), branch("neg", "Neg")
    test = is_positive(x)
    parts = [bind(then, [x], "then"), bind(otherwise, [x], "otherwise")]
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    nodes = [*test, *parts, switch, result]
    if trains:
        state = constant("state", 2, 3)
        nodes.append(node("Assign", [state, result.outputs[0]], [like_x("assigned")], {"side_effect_mem": True}))
    made = source(nodes, result.outputs, [x], then, otherwise)
    run_passes(made, PIPELINE, modes=Modes.TRAINING if trains else Modes.INFERENCE, verify_each=True)
    (found,) = Session(made).infer([X * sign]).values()
    np.testing.assert_allclose(found, X * X if sign > 0 else X, rtol=1e-6)
    assert len(made.graphs) == (1 if trains else 3)
    assert any(each.op in ("Select", "Where") for each in made.main.nodes) is trains


@pytest.mark.parametrize("sign", [1, -1])
def test_functions_that_the_branches_return_are_called_by_the_same_condition(sign: int) -> None:
    """So the gradient of an `if` works: each branch returns its result and the function of its gradient."""
    x = like_x("x")
    test = is_positive(x)
    graphs, parts = [], []
    for name, op in (("then", "Square"), ("otherwise", "Neg")):
        inner, taken = branch(f"{name}.back", op), like_x(f"{name}.x")
        closure = bind(inner, [], f"{name}.closure")
        forward = node("Abs", [taken], [like_x(f"{name}.y")], name=f"{name}.abs")
        outer = Graph(name, [taken], [forward.outputs[0], closure.outputs[0]], [forward, closure])
        graphs += [outer, inner]
        parts.append(bind(outer, [x], name))
    switch = choose(test[-1].outputs[0], parts)
    first = call(switch.outputs[0], [], [like_x("y"), value("function")], "first")
    second = call(first.outputs[1], [first.outputs[0]], [like_x("dy")], "second")
    made = source([*test, *parts, switch, first, second], second.outputs, [x], *graphs)
    (found,) = infer(made, X * sign)
    np.testing.assert_allclose(found, X * X if sign > 0 else -X, rtol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_assignment_in_a_branch_keeps_the_old_value_elsewhere(sign: int) -> None:
    x, state = like_x("x"), constant("state", 2, 3)
    assert state.const is not None
    old = state.const.array().copy()
    target, new = like_x("target"), like_x("new")
    assign = node("Assign", [target, new], [like_x("assigned")], {"side_effect_mem": True})
    then = Graph("then", [target, new], [new], [assign])
    otherwise = branch("neg", "Neg")
    test = is_positive(x)
    parts = [bind(then, [state, x], "then"), bind(otherwise, [x], "otherwise")]
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    made = source([*test, *parts, switch, result], result.outputs, [x], then, otherwise)
    session = step(made, X * sign)
    np.testing.assert_array_equal(session.constants()["state"], X if sign > 0 else old)


def test_two_assignments_on_the_way_leave_one() -> None:
    """The device could run them in either order."""
    x, state = like_x("x"), constant("state", 2, 3)
    inner = branch("square", "Square")
    first = node("Assign", [state, x], [like_x("first")], name="first")
    load = node("Load", [state], [like_x("loaded")], after=(first,))
    squared = call(inner, load.outputs, [like_x("squared")])
    second = node("Assign", [state, squared.outputs[0]], [like_x("second")], name="second", after=(first, load))
    made = source([first, load, squared, second], squared.outputs, [x], inner)
    session = step(made, X)
    assert [each.op for each in made.main.nodes].count("Assign") == 1
    np.testing.assert_allclose(session.constants()["state"], X * X, rtol=1e-6)


def test_an_optimizer_in_a_branch_on_data_is_refused() -> None:
    x, weight, slot = like_x("x"), constant("weight", 2, 3), constant("slot", 2, 3)
    inputs = [like_x("w"), like_x("m"), like_x("g")]
    rate, momentum = (numbered(name, np.array(0.5, np.float32)) for name in ("rate", "momentum"))
    update = node("ApplyMomentum", [*inputs[:2], rate, inputs[2], momentum], [like_x("updated")], name="update")
    then, otherwise = Graph("then", inputs, [inputs[2]], [update]), branch("neg", "Neg")
    test = is_positive(x)
    parts = [bind(then, [weight, slot, x], "then"), bind(otherwise, [x], "otherwise")]
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    made = source([*test, *parts, switch, result], result.outputs, [x], then, otherwise)
    (problem,) = refusals(lambda: resolve_control_flow(made))
    assert (problem.code, problem.node) == ("E206", "update")


def test_what_follows_both_branches_is_made_once() -> None:
    """MindSpore lets each branch end with a call of the rest: n conditions in a row would make 2 ** n copies of it."""
    rest, x = branch("rest", "Exp"), like_x("x")
    graphs, parts = [], []
    for name, op in (("then", "Square"), ("otherwise", "Neg")):
        taken = like_x(f"{name}.x")
        own = node(op, [taken], [like_x(f"{name}.y")], name=name)
        tail = call(rest, own.outputs, [like_x(f"{name}.rest")], f"{name}.tail")
        graphs.append(Graph(name, [taken], list(tail.outputs), [own, tail]))
        parts.append(bind(graphs[-1], [x], f"{name}.bound"))
    test = is_positive(x)
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    made = source([*test, *parts, switch, result], result.outputs, [x], rest, *graphs)
    assert resolve_control_flow(made)
    assert [each.op for each in graph_nodes(made.graphs)].count("Exp") == 1
    assert not resolve_control_flow(made)


def test_a_loop_that_counts_with_a_changing_parameter_is_refused() -> None:
    counter = number("counter", 3)
    made, _ = counted(counter)
    assign = node("Assign", [counter, number("other", 5)], [scalar("assigned")], name="assign")
    made.main.nodes.append(assign)
    (problem,) = refusals(lambda: resolve_control_flow(made))
    assert (problem.code, problem.node) == ("E206", "assign")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_branch_that_only_returns_a_constant_has_an_input(sign: int) -> None:
    """The device starts a graph when its inputs arrive."""
    x, then, wanted = like_x("x"), branch("square", "Square"), constant("wanted", 2, 3)
    otherwise = Graph("fixed", [], [wanted])
    test = is_positive(x)
    parts = [bind(then, [x], "then"), bind(otherwise, [], "otherwise")]
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    made = source([*test, *parts, switch, result], result.outputs, [x], then, otherwise)
    (found,) = infer(made, X * sign)
    assert wanted.const is not None
    np.testing.assert_allclose(found, X * X if sign > 0 else wanted.const.array(), rtol=1e-6)
    assert all(graph.inputs and graph.outputs[0].producer in graph.nodes for graph in made.graphs)


def test_a_result_that_its_branch_reads_itself_is_copied() -> None:
    """Otherwise the device returns zeros."""
    x, then = like_x("x"), branch("square", "Square")
    negative = node("Neg", [like_x("nx")], [like_x("negative")])
    more = node("Exp", list(negative.outputs), [like_x("more")])
    otherwise = Graph("otherwise", list(negative.inputs), [negative.outputs[0], more.outputs[0]], [negative, more])
    then.outputs.append(then.inputs[0])
    test = is_positive(x)
    parts = [bind(then, [x], "then"), bind(otherwise, [x], "otherwise")]
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y"), like_x("z")])
    made = source([*test, *parts, switch, result], result.outputs, [x], then, otherwise)
    first, second = infer(made, -X)
    np.testing.assert_allclose(first, X, rtol=1e-6)
    np.testing.assert_allclose(second, np.exp(X), rtol=1e-5)
    assert all(not each.users for graph in made.graphs[1:] for each in graph.outputs)


def test_graphs_that_several_branches_go_on_with_are_made_once() -> None:
    """`if … elif … else` with a loop left early would otherwise copy what follows for every way that leads there."""
    x, rest = like_x("x"), branch("rest", "Exp")
    for index in range(4):
        more = node("Neg", list(rest.outputs), [like_x(f"more{index}")], name=f"more{index}")
        rest.nodes.append(more)
        rest.outputs[:] = more.outputs
    graphs = [rest]
    for depth in range(3):
        taken = like_x(f"taken{depth}")
        test = is_positive(taken)
        left = Graph(f"left{depth}", [like_x(f"left{depth}.x")])
        tail = call(graphs[0], left.inputs, [like_x(f"left{depth}.y")], f"left{depth}.tail")
        left.nodes, left.outputs = [tail], list(tail.outputs)
        parts = [bind(left, [taken], f"left{depth}"), bind(graphs[-1], [taken], f"right{depth}")]
        switch = choose(test[-1].outputs[0], parts)
        result = call(switch.outputs[0], [], [like_x(f"y{depth}")], f"call{depth}")
        graphs += [left, Graph(f"fork{depth}", [taken], list(result.outputs), [*test, *parts, switch, result])]
    main = call(graphs[-1], [x], [like_x("result")], "main")
    made = source([main], main.outputs, [x], *graphs)
    (found,) = infer(made, X)
    np.testing.assert_allclose(found, np.exp(X), rtol=1e-5)
    assert [each.op for each in graph_nodes(made.graphs)].count("ExpFusion") == 1


def of_two_shapes() -> Model:
    """A choice between a result [2, 3] and one [3, 2]."""
    x = like_x("x")
    then = branch("square", "Square")
    otherwise = Graph("turned", [like_x("tx")])
    turn = node("Transpose", [*otherwise.inputs, literal((1, 0))], [value("turn", 3, 2)])
    otherwise.nodes, otherwise.outputs = [turn], list(turn.outputs)
    test = is_positive(x)
    parts = [bind(then, [x], "then"), bind(otherwise, [x], "otherwise")]
    switch = choose(test[-1].outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    return source([*test, *parts, switch, result], result.outputs, [x], then, otherwise)


@pytest.mark.parametrize("sign", [1, -1])
def test_branches_of_different_shapes_make_a_result_of_unknown_dimensions(sign: int) -> None:
    made = of_two_shapes()
    (found,) = infer(made, X * sign)
    np.testing.assert_allclose(found, X * X if sign > 0 else -X.T, rtol=1e-6)
    assert made.main.outputs[0].type.shape == (-1, -1)


def test_branches_of_different_shapes_are_refused_in_a_training_step() -> None:
    made = of_two_shapes()
    state = constant("state", 2, 3)
    made.main.nodes.append(node("Assign", [state, made.main.inputs[0]], [like_x("a")], {"side_effect_mem": True}))
    (problem,) = refusals(lambda: resolve_control_flow(made))
    assert problem.code == "E206"
    assert "float32[2,3] and float32[3,2]" in problem.message


def test_the_status_of_an_accelerator_says_that_nothing_overflowed() -> None:
    """Loss scaling asks it whether to update at all."""
    x, then, otherwise = like_x("x"), branch("square", "Square"), branch("neg", "Neg")
    status = value("status", 8, dtype=DType.INT32)
    asked = node("NPUGetFloatStatusV2", [status], [value("asked", 8, dtype=DType.INT32)])
    zero = number("zero", 0)
    equal = node("Equal", [zero, asked.outputs[0]], [value("equal", 8, dtype=DType.BOOL)])
    finite = node("ReduceAll", [equal.outputs[0], literal(())], [scalar("finite", DType.BOOL)])
    parts = [bind(then, [x], "then"), bind(otherwise, [x], "otherwise")]
    switch = choose(finite.outputs[0], parts)
    result = call(switch.outputs[0], [], [like_x("y")])
    made = source([asked, equal, finite, *parts, switch, result], result.outputs, [x, status], then, otherwise)
    assert resolve_control_flow(made)
    assert [each.op for each in made.main.nodes] == ["Square"]
    assert [note.kind for note in made.notes] == ["dropped"]
