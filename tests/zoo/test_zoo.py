"""Every committed recording converts, and trains or infers like MindSpore."""

from __future__ import annotations

from pathlib import Path

import pytest
from proof import WEIGHT_BOUND, prove, recording

DATA = Path(__file__).resolve().parent / "data"
MODELS = sorted(model for model in DATA.glob("*/*.mindir") if recording(model).is_file())


def label(model: Path) -> str:
    return f"{model.parent.name}-{model.stem}"


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_a_recorded_case_gives_mindspores_numbers(model: Path) -> None:
    proof = prove(model)
    assert proof.loss_error <= proof.loss_bound
    assert proof.weight_error <= WEIGHT_BOUND, proof.worst


def test_the_zoo_is_there() -> None:
    versions = {model.parent.name for model in MODELS}
    assert versions == {"ms162", "ms1100", "ms200", "ms270", "ms2100"}
    assert len(MODELS) > 550
