"""Which fusions run: --optimize=none, fusion_blacklists with official names and ours, --skip-pass."""

from __future__ import annotations

import pytest
from support.graphs import lite, model, value
from support.zoo import ROOT

from converter.errors import ConversionError
from converter.passes.fuse.official import left_out
from converter.passes.fuse.page import page
from converter.passes.pipeline import PIPELINE


def names(*blacklist: str, disable_fusion: bool = False) -> tuple[str, ...]:
    x = value("x", 2, 3)
    only = lite("Abs", [x])
    sample = model([only], [x], only.outputs)
    return left_out(sample, PIPELINE, disable_fusion=disable_fusion, blacklist=blacklist)


def test_no_optimization_leaves_every_fusion_out() -> None:
    assert names(disable_fusion=True) == tuple(each.name for each in PIPELINE if each.is_fusion)


def test_an_official_name_leaves_out_what_stands_for_it() -> None:
    assert names("ConvBatchNormFusion", "MatMulAddFusion") == ("fuse-conv-scale", "fuse-matmul-bias")


def test_our_own_names_work_too() -> None:
    assert names("fuse-conv-bias") == ("fuse-conv-bias",)


def test_an_official_fusion_without_counterpart_changes_nothing() -> None:
    assert names("TfLstmCellFusion") == ()


def test_an_unknown_name_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(ConversionError) as caught:
        names("ConvBiasAddFusion")
    (problem,) = caught.value.problems
    assert (problem.code, problem.hint) == ("E105", "did you mean 'ConvBiasaddFusion'?")


def test_every_fusion_can_be_skipped_and_says_what_it_does() -> None:
    fusions = [each for each in PIPELINE if each.is_fusion]
    assert all(each.optional and each.summary.endswith((".", "`.")) for each in fusions)
    assert len({each.name for each in PIPELINE}) == len(PIPELINE)


def test_the_fusions_page_is_what_the_rules_print() -> None:
    assert (ROOT / "docs" / "fusions.md").read_text(encoding="utf-8") == page()
