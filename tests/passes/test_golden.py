"""What the passes that rewrite most do to small graphs, as text: read the golden files to see a pass at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.golden import compare_golden
from support.samples import TINY

from converter.ir import Stage
from converter.ir.printer import model_text
from converter.passes.pipeline import PIPELINE

if TYPE_CHECKING:
    from converter.ir import Model

CASES = (
    ("order-side-effects", "reader_after_load"),
    ("order-side-effects", "reader_after_write"),
    ("channels-last", "convolution"),
    ("channels-last", "residual"),
    ("schedule", "late_reader"),
    ("schedule", "reader_after_write"),
    ("fold-constants", "constant_arithmetic"),
    ("adapt-operators", "convolution"),
    ("name-everything", "same_names"),
)


def before(name: str, model: Model) -> None:
    """Run what stands in front of a pass; a LITE sample has the normal forms already."""
    for each in PIPELINE:
        if each.name == name:
            return
        if model.stage is Stage.SOURCE and not each.name.startswith("require-"):
            each.run(model)


@pytest.mark.parametrize(("name", "case"), CASES, ids="-".join)
def test_the_text_before_and_after(name: str, case: str, update_golden: bool) -> None:
    model = TINY[case]()
    if model.stage is Stage.SOURCE:
        before(name, model)
    texts = [model_text(model)]
    next(each for each in PIPELINE if each.name == name).run(model)
    texts.append(model_text(model))
    notes = [f"note {note.kind}: {note.message}" for note in model.notes]
    compare_golden(name, case, "\n".join(["before", texts[0], "after", texts[1], *notes, ""]), update=update_golden)
