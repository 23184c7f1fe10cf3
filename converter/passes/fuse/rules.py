"""All fusions in their order. A new one is a row in a file beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.passes.fuse import (
    activation,
    convolution,
    forms,
    matmul,
    moves,
    normalization,
    scale_weights,
    scales,
    tidy,
)
from converter.passes.rewrite import rule_pass

if TYPE_CHECKING:
    from converter.passes.base import Pass

_RULES = (
    *tidy.RULES,
    *moves.RULES,
    *forms.RULES,
    *convolution.RULES,
    *matmul.RULES,
    *scale_weights.RULES,
    *normalization.RULES,
    *scales.RULES,
    *activation.RULES,
)
FUSIONS: tuple[Pass, ...] = tuple(rule_pass(rule) for rule in _RULES)
# The transposes that the layout needs meet those of the model.
FUSIONS_AFTER_LAYOUT: tuple[Pass, ...] = tuple(rule_pass(rule, "layout") for rule in (*tidy.RULES, *moves.RULES))
