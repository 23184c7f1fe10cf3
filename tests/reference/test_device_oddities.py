"""The 62 unusual files that the device accepts: reproduced, or refused where its result is undefined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from recordings import LOSS_TOLERANCE, NAMES, TENSOR_TOLERANCE, case_inputs, cases, difference, folder

from converter.errors import ConversionError
from converter.mslite.reader import read_model
from converter.reference import Session

# Files of class `different` that are refused instead: the device reads beyond the labels; without node names it has
# lost its outputs.
REFUSED = {"sce_label_width", "node_names_absent"}
RUNS = [name for name, case in cases("accept").items() if case["class"] != "undefined" and name not in REFUSED]
IS_REFUSED = [name for name in cases("accept") if name not in RUNS]


def _shown(name: str) -> str:
    """The device calls a tensor without a name by its index."""
    return name.removeprefix("#")


def test_every_oddity_is_run_or_refused() -> None:
    assert len(NAMES["accept"]) == 62
    assert len(RUNS) + len(IS_REFUSED) == 62
    assert {name for name, case in cases("accept").items() if case["class"] == "same_as_base"} <= set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_runs_as_on_the_device(name: str) -> None:
    case = cases("accept")[name]
    session = Session(read_model(folder("accept") / f"{name}.ms"))
    assert len(session.roles.order) == case["train_kernels"]
    assert len(session.roles.eval_order) == case["eval_kernels"]
    assert sorted(_shown(value.name) for value in session.roles.train_outputs) == sorted(case["train_outputs"])
    assert sorted(_shown(value.name) for value in session.roles.eval_outputs) == sorted(case["eval_outputs"])
    inputs = case_inputs("accept", case)
    for wanted in case["losses"]:
        losses = session.step(inputs).losses
        assert losses[:1] == ([] if wanted == {} else [pytest.approx(wanted, rel=LOSS_TOLERANCE)])
    _check_eval(case, session, inputs)


def _check_eval(case: dict[str, Any], session: Session, inputs: list[np.ndarray]) -> None:
    outputs = {_shown(name): values for name, values in session.evaluate(inputs).items()}
    for name, wanted in case["eval_first"].items():
        # Of an output without a name the recording keeps the numbers only.
        values = outputs[_shown(name)] if name else next(iter(outputs.values()))
        got = values.reshape(-1)[: len(wanted)]
        assert difference(got, np.array(wanted)) <= TENSOR_TOLERANCE


@pytest.mark.parametrize("name", IS_REFUSED)
def test_what_depends_on_unwritten_memory_is_refused(name: str) -> None:
    case = cases("accept")[name]
    with pytest.raises(ConversionError) as caught:
        Session(read_model(folder("accept") / f"{name}.ms")).step(case_inputs("accept", case))
    assert {problem.code for problem in caught.value.problems} == {"E602"}
