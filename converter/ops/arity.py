"""How many inputs an operator must have; fewer mean a damaged file, and would crash whoever reads them."""

from __future__ import annotations

from converter._generated.mindir_arguments import LEAST_INPUTS
from converter.ops.lite_ops import LITE_OPS

# From this MindIR version on, what used to be attributes may be inputs.
_ARGUMENTS_SINCE = 2


def least_inputs(op: str, lite: str, version: int) -> int:
    """The fewest inputs with which a MindIR operator that becomes `lite` makes sense; 0 when that is not known."""
    known = [LITE_OPS[lite].inputs[0]] if lite in LITE_OPS else []
    if op in LEAST_INPUTS and version >= _ARGUMENTS_SINCE:
        known.append(LEAST_INPUTS[op])
    return min(known, default=0)
