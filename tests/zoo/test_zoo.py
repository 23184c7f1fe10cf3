"""Every committed recording: converts, trains (or infers) like MindSpore, or is refused for the reason in the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from proof import WEIGHT_BOUND, prove, recording

from converter.errors import ConversionError

DATA = Path(__file__).resolve().parent / "data"
MODELS = sorted(model for model in DATA.glob("*/*.mindir") if recording(model).is_file())
# What cannot be expressed on the device: the problem code of its refusal.
REFUSED = {"branch_infer": "E206"}


def label(model: Path) -> str:
    return f"{model.parent.name}-{model.stem}"


@pytest.mark.parametrize("model", [m for m in MODELS if m.stem not in REFUSED], ids=label)
def test_a_recorded_case_gives_mindspores_numbers(model: Path) -> None:
    proof = prove(model)
    assert proof.loss_error <= proof.loss_bound
    assert proof.weight_error <= WEIGHT_BOUND, proof.worst


@pytest.mark.parametrize("model", [m for m in MODELS if m.stem in REFUSED], ids=label)
def test_what_the_device_cannot_express_is_refused_with_the_reason(model: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        prove(model)
    assert {problem.code for problem in caught.value.problems} == {REFUSED[model.stem]}
    assert all(problem.node and problem.hint for problem in caught.value.problems)


def test_the_zoo_is_there() -> None:
    versions = {model.parent.name for model in MODELS}
    assert versions == {"ms162", "ms1100", "ms200", "ms270", "ms2100"}
    assert len(MODELS) > 550
