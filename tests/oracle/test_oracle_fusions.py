"""What fusions leave behind, in the official runtime: it reads the attributes and computes what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from official import predict
from support.fused import CASES

from converter.mslite.writer import lay_out
from converter.passes.fold.constants import fold_constants
from converter.passes.fuse.rules import FUSIONS
from converter.passes.layout.channels_last import channels_last
from converter.passes.schedule.names import name_everything
from converter.reference import Session

if TYPE_CHECKING:
    from pathlib import Path

    from converter.ir import Model

pytestmark = pytest.mark.oracle


def finished(each: Model, *, is_fused: bool) -> Model:
    """The model as it is written."""
    if is_fused:
        for _ in range(3):
            for one in FUSIONS:
                one.run(each)
    fold_constants(each)
    channels_last(each)
    name_everything(each)
    return each


@pytest.mark.parametrize("name", CASES)
def test_the_official_runtime_computes_what_was_fused(oracle: Path, tmp_path: Path, name: str) -> None:
    plain, fused = (finished(CASES[name].model(), is_fused=is_fused) for is_fused in (False, True))
    assert len(fused.main.nodes) < len(plain.main.nodes)
    shape = fused.main.inputs[0].type.shape or ()
    numbers = np.random.default_rng(11).normal(size=shape).astype(np.float32)
    with (tmp_path / "fused.ms").open("wb") as file:
        lay_out(fused).write(file)
    (found,) = predict(oracle, tmp_path / "fused.ms", {"in0": numbers}).values()
    (expected,) = Session(plain).infer([numbers]).values()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5 * float(np.abs(expected).max()))
