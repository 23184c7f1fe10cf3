"""Every registered pass on every sample: valid, same interface, same numbers, truthful, and done after one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.passes import apply_pass
from support.samples import SAMPLES

from converter.ir import Stage
from converter.passes.base import Modes
from converter.passes.normalize.side_effects import written
from converter.passes.pipeline import PIPELINE

if TYPE_CHECKING:
    from converter.ir import Model
    from converter.passes.base import Pass

LITE_ONLY_FROM = "fold-constants"


def passes_for(model: Model, last: Pass) -> list[Pass]:
    """The pipeline up to and with a pass, as far as it takes part in converting this model."""
    is_training = any(written(node) for graph in model.graphs for node in graph.nodes) or model.stage is Stage.LITE
    modes = Modes.TRAINING if is_training else Modes.INFERENCE
    names = [each.name for each in PIPELINE]
    first = names.index(LITE_ONLY_FROM) if model.stage is Stage.LITE else 0
    chosen = PIPELINE[first : names.index(last.name) + 1]
    return [each for each in chosen if each.modes & modes]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("each", PIPELINE, ids=lambda each: each.name)
def test_the_six_checks(each: Pass, sample: str) -> None:
    model = SAMPLES[sample]()
    chosen = passes_for(model, each)
    if each not in chosen:
        return
    for earlier in chosen[:-1]:
        earlier.run(model)
    apply_pass(each, model)
