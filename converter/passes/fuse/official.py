"""The names that `fusion_blacklists` takes: those of the official converter's fusions, and ours."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from converter.errors import ConversionError, Problem
from converter.ir import Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Model
    from converter.passes.base import Pass

# Fusions of the official converter for other frameworks' graphs, or for operators that no MindIR becomes here.
WITHOUT_COUNTERPART = frozenset(
    {"AddConcatActivationFusion", "AffineActivationFusion", "AffineFusion", "BatchMatMulFusion", "ConcatConcatFusion"}
    | {"ConstFoldPass", "ConvConvFusion", "ConvTupleActivationFusion", "ConvTupleGetItemFusion", "FullConnectedFusion"}
    | {"FullconnectedAddFusion", "GLUFusion", "MultiHeadAttentionFusion", "PReluFusion", "ReduceStackFusion"}
    | {"ResizeFusion", "ReshapeShapeFusion", "TensorDotFusion", "TfBidirectionGruFusion"}
    | {"TfLstmCellFusion", "TfliteLstmCellFusion", "TfliteRelPosMultiHeadAttentionFusion"}
    | {"TileMatMulFusion", "TransposeGatherFusion", "EncoderLayerFusion", "DecoderLayerFusion", "MulReduceFusion"}
    | {"ReshapeReduceFusion", "ReduceSameOpInHorizon", "RemoveTransitivityOp", "AblateReshapeLike", "ActivationFusion"}
)


def left_out(
    model: Model, passes: Sequence[Pass], *, disable_fusion: bool, blacklist: Sequence[str]
) -> tuple[str, ...]:
    """Names of the passes that the user does not want: all fusions, or those behind blacklisted names.

    A name for which there is no pass is noted in the report. Raises `ConversionError` E105 for a name that neither
    converter knows.
    """
    fusions = [each for each in passes if each.is_fusion]
    if disable_fusion:
        return tuple(each.name for each in fusions)
    known = {name: [p.name for p in fusions if name in (p.name, *p.official)] for p in fusions for name in _names(p)}
    wrong = [name for name in blacklist if name not in known and name not in WITHOUT_COUNTERPART]
    if wrong:
        raise ConversionError([_unknown(name, sorted({*known, *WITHOUT_COUNTERPART})) for name in wrong])
    for name in blacklist:
        if name not in known:
            model.notes.append(Note("fusion", f"{name} is blacklisted; this converter has no such fusion anyway"))
    return tuple(dict.fromkeys(each for name in blacklist for each in known.get(name, ())))


def _names(each: Pass) -> tuple[str, ...]:
    return each.name, *each.official


def _unknown(name: str, known: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else None
    return Problem("E105", f"fusion_blacklists: there is no fusion {name!r}", hint=hint)
