"""The runner: which passes run, what may be skipped, and whose fault it is when one fails."""

from __future__ import annotations

import pytest
from support.graphs import lite, model, value

from converter.errors import ConversionError, Problem, fail
from converter.ir import Model, Origin
from converter.passes.base import Modes, Pass
from converter.passes.runner import run_passes


def sample() -> Model:
    x = value("x", 2, 3)
    only = lite("Abs", [x])
    return model([only], [x], only.outputs)


def harmless(_model: Model) -> bool:
    """Change nothing."""
    return False


def breaking(each: Model) -> bool:
    """Leave a node without origin."""
    each.main.nodes[0].origin = Origin()
    return True


def crashing(_model: Model) -> bool:
    """Divide by zero."""
    return bool(1 // 0)


def refusing(each: Model) -> bool:
    """Refuse the model."""
    raise fail("E202", "no", path=each.path)


FIRST = Pass("first", harmless, optional=True)
SECOND = Pass("second", harmless, Modes.TRAINING)


def only_problem(*passes: Pass, verify_each: bool = False, skip: tuple[str, ...] = ()) -> Problem:
    with pytest.raises(ConversionError) as caught:
        run_passes(sample(), passes, modes=Modes.TRAINING, verify_each=verify_each, skip=skip)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("modes", "skip", "names"),
    [
        (Modes.TRAINING, (), ["first", "second"]),
        (Modes.INFERENCE, (), ["first"]),
        (Modes.TRAINING, ("first",), ["second"]),
    ],
)
def test_passes_that_take_part_run_in_order(modes: Modes, skip: tuple[str, ...], names: list[str]) -> None:
    seen: list[str] = []
    run_passes(sample(), (FIRST, SECOND), modes=modes, skip=skip, watch=lambda name, _: seen.append(name))
    assert seen == names


@pytest.mark.parametrize("name", ["second", "nobody"])
def test_a_pass_that_is_needed_cannot_be_skipped(name: str) -> None:
    problem = only_problem(FIRST, SECOND, skip=(name,))
    assert (problem.code, problem.message) == ("E105", f"pass {name!r} cannot be skipped")
    assert problem.hint == "passes that can be skipped: first, and the fusions in docs/fusions.md"


@pytest.mark.parametrize("verify_each", [True, False])
def test_a_pass_that_leaves_an_invalid_model_is_named(verify_each: bool) -> None:
    problem = only_problem(FIRST, Pass("bad", breaking), verify_each=verify_each)
    message = "bug in pass 'bad': tiny: <Abs Abs> does not say where it comes from"
    assert (problem.code, problem.message, problem.path) == ("E901", message, "tiny.mindir")
    assert problem.hint == "please report this with the model; passes before: first"


def test_verifying_each_names_the_pass_and_not_its_follower() -> None:
    assert "'bad'" in only_problem(Pass("bad", breaking), SECOND, verify_each=True).message
    assert "'second'" in only_problem(Pass("bad", breaking), SECOND).message


def test_a_crash_is_our_bug_and_names_the_pass() -> None:
    problem = only_problem(FIRST, SECOND, Pass("bad", crashing))
    assert problem.message == "bug in pass 'bad': ZeroDivisionError: integer division or modulo by zero"
    assert problem.hint == "please report this with the model; passes before: first, second"


def test_a_refusal_stays_what_it_is() -> None:
    assert only_problem(FIRST, Pass("no", refusing)) == Problem("E202", "no", path="tiny.mindir")


def test_neighboring_fusions_run_until_none_changes_anything() -> None:
    left = {"a": 2, "b": 1}
    ran: list[str] = []

    def counting(name: str) -> Pass:
        def run(_model: Model) -> bool:
            """Change something a few times."""
            ran.append(name)
            left[name] -= 1
            return left[name] >= 0

        return Pass(name, run, optional=True, is_fusion=True)

    watched: list[str] = []
    passes = (counting("a"), counting("b"), Pass("last", harmless))
    run_passes(sample(), passes, modes=Modes.INFERENCE, watch=lambda name, _: watched.append(name))
    assert ran == ["a", "b"] * 3
    assert watched == ["a", "b", "last"]


def test_fusions_without_end_are_our_bug() -> None:
    endless = Pass("endless", lambda _model: True, optional=True, is_fusion=True)
    problem = only_problem(endless)
    assert problem.code == "E901"
    assert "no end after 100 rounds" in problem.message
