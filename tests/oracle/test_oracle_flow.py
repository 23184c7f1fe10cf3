"""Branches, loops and unknown dimensions in the official runtime: every recorded run gives what MindSpore computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from official import describe, predict_each
from ours import ZOO, convert_ours

if TYPE_CHECKING:
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[Any]]

pytestmark = pytest.mark.oracle
MODELS = sorted([*ZOO.parent.glob("flow/*/*.mindir"), *ZOO.glob("*/branch_infer.mindir")])


def runs(model: Path) -> list[dict[str, Array]]:
    """Inputs and outputs of each recorded run, by `in0`, …, `out0`, …."""
    with np.load(model.with_suffix(".npz")) as recorded:
        found: dict[str, dict[str, Array]] = {}
        for name in recorded.files:
            run, _, role = name.rpartition("/")
            if role != "meta":
                found.setdefault(run, {})[role] = recorded[name]
    return list(found.values())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.parent.name}-{model.stem}")
def test_every_run_gives_what_mindspore_computed(oracle: Path, tmp_path: Path, model: Path) -> None:
    done = convert_ours(model, tmp_path / "net.ms", is_training=False)
    assert done.returncode == 0, done.stdout + done.stderr
    recorded = runs(model)
    images = [i for i, slot in enumerate(describe(oracle, tmp_path / "net.ms")) if len(slot.shape) == 4]
    for run in recorded:
        run.update({f"in{i}": run[f"in{i}"].transpose(0, 2, 3, 1) for i in images})
    for run, found in zip(recorded, predict_each(oracle, tmp_path / "net.ms", recorded), strict=True):
        for index, result in enumerate(found.values()):
            wanted = run[f"out{index}"]
            assert result.shape == wanted.shape
            np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
