"""The page docs/fusions.md, printed from the rules: `python -m converter.passes.fuse.page > docs/fusions.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from converter.passes.fuse.official import WITHOUT_COUNTERPART
from converter.passes.pipeline import PIPELINE

if TYPE_CHECKING:
    from converter.passes.base import Pass

HEAD = """\
# Fusions

Printed by `python -m converter.passes.fuse.page`; do not edit. Fusions run in this order, again and again until none
changes anything, on inference graphs and on those parts of a training graph that nothing trains. `--optimize=none`,
`--NoFusion=true` and `[registry] disable_fusion=on` leave all of them out; `--skip-pass=NAME` takes the names in the
first column, `[registry] fusion_blacklists=NAME,NAME` those in the first and the last.

A place is left as it is when an inner value has another reader or is an output, when a node or weight of it belongs to
training, or when a weight that would have to change has another reader; the report names what was refused and why.

| pass | what it does | official passes |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [_row(each) for each in PIPELINE if each.is_fusion]
    names = ", ".join(f"`{name}`" for name in sorted(WITHOUT_COUNTERPART))
    tail = ["", "Official names that are accepted, though no pass here does the like:", "", f"{names}.", ""]
    return HEAD + "\n".join([*rows, *tail])


def _row(each: Pass) -> str:
    """One fusion."""
    official = ", ".join(f"`{name}`" for name in each.official)
    return f"| `{each.name}` | {each.summary} | {official} |"


if __name__ == "__main__":
    sys.stdout.write(page())
