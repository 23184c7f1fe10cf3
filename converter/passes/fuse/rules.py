"""All fusions in their order. A new one is a row in a file beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.passes.fuse import activation, convolution, forms, matmul, tidy
from converter.passes.rewrite import rule_pass

if TYPE_CHECKING:
    from converter.passes.base import Pass

FUSIONS: tuple[Pass, ...] = tuple(
    rule_pass(rule) for rule in (*tidy.RULES, *forms.RULES, *convolution.RULES, *matmul.RULES, *activation.RULES)
)
