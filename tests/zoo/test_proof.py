"""The proof itself: what it lets pass, and what not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from proof import Proof, prove

CASE = Path(__file__).resolve().parent / "data" / "ms200" / "opt_momentum"
NAME = "moments.conv.weight"


def proof_with(folder: Path, off: float, spread: float | None) -> Proof:
    """The proof of a recording of which one tensor is off by a part of its largest element."""
    shutil.copy(CASE.with_suffix(".mindir"), folder)
    with np.load(CASE.with_suffix(".npz")) as record:
        arrays = dict(record)
    tensor = arrays[f"final/{NAME}"]
    tensor.reshape(-1)[3] += off * np.abs(tensor).max()
    if spread is not None:
        arrays[f"spread/{NAME}"] = np.array(spread, np.float32)
    np.savez(folder / f"{CASE.name}.npz", **arrays)
    return prove(folder / f"{CASE.name}.mindir")


def test_a_recording_as_it_is_holds(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, 0.0, None)
    assert proof.holds
    assert proof.far == ()


@pytest.mark.parametrize("spread", [None, 1e-4])
def test_a_tensor_that_is_off_does_not_hold(tmp_path: Path, spread: float | None) -> None:
    proof = proof_with(tmp_path, 1e-3, spread)
    assert not proof.holds
    assert proof.worst == NAME


def test_a_tensor_that_moves_in_mindspore_as_well_is_held_to_its_spread_and_named(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, 1e-3, 5e-4)
    assert proof.holds
    (far,) = proof.far
    assert far.name == NAME
    assert far.error == pytest.approx(1e-3, rel=0.01)
    assert far.spread == pytest.approx(5e-4)
