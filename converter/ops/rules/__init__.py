"""The MindIR table: one row per operator, one module per family, joined here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.rules import (
    activations,
    arithmetic,
    indexing,
    layers,
    losses,
    normalization,
    optimizers,
    pooling,
    sequences,
    shapes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.ops.rule import Rule

RULES: Mapping[str, Rule] = {
    **activations.RULES,
    **arithmetic.RULES,
    **indexing.RULES,
    **layers.RULES,
    **losses.RULES,
    **normalization.RULES,
    **optimizers.RULES,
    **pooling.RULES,
    **sequences.RULES,
    **shapes.RULES,
}

# Bookkeeping of MindSpore's compiler on any primitive; it says nothing about the computation.
IGNORED_EVERYWHERE = frozenset(
    {
        "side_effect_mem",
        "side_effect_io",
        "side_effect_propagate",
        "is_load",
        "primitive_function",
        "primitive_target",
        "target",
        "instance_name",
        "visited",
        "no_eliminate",
        "keep_alive",
        "IsFeatureMapInputList",
        "IsFeatureMapOutput",
        "forward_unique_id",
        "unique_id",
        "cell_reuse",
        "grad_scale",
    },
)
