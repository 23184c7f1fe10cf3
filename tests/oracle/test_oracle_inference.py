"""Small inference networks in the official runtime: recurrence, attention, branches, several inputs, float16."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from ours import ZOO, convert_ours

sys.path.insert(0, str(ZOO.parent))

from inference_cases import SMALL
from inference_measure import Recorded, describe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("version", ["ms200", "ms270"])
def test_a_small_network_gives_what_mindspore_computed(oracle: Path, tmp_path: Path, version: str, name: str) -> None:
    model, target = ZOO / version / f"{name}.mindir", tmp_path / "ours.ms"
    done = convert_ours(model, target, is_training=False)
    assert done.returncode == 0, done.stdout + done.stderr
    file = describe(target, Recorded.of(model), oracle)
    assert file.holds, file
