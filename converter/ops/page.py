"""The page docs/operators.md, printed from the tables: `python -m converter.ops.page > docs/operators.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from converter.ops.lite_ops import LITE_OPS
from converter.ops.rules import RULES

if TYPE_CHECKING:
    from converter.ops.rule import Rule

HEAD = """\
# Operators

Printed by `python -m converter.ops.page`; do not edit. A MindIR operator becomes the Lite operator named beside it, or
is composed of others. Attributes: *kept* ones are written, *checked* ones must have the value that the device assumes
or say nothing it needs; any other attribute is a problem, and so is an operator that is not here. What cannot be
expressed at all: [limits.md](limits.md).
"""


def page() -> str:
    """The whole page."""
    lines = [
        HEAD,
        f"## From MindIR: {len(RULES)} operators",
        "",
        "| MindIR | Lite | kept | checked |",
        "|---|---|---|---|",
    ]
    lines += [_row(name, RULES[name]) for name in sorted(RULES)]
    lines += [
        "",
        f"## Written: {len(LITE_OPS)} Lite operators",
        "",
        ", ".join(f"`{name}`" for name in sorted(LITE_OPS)),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, rule: Rule) -> str:
    """One operator."""
    kept = sorted(attr for attr, row in rule.attrs.items() if row.field is not None)
    checked = sorted(attr for attr, row in rule.attrs.items() if row.field is None)
    becomes = f"`{rule.lite}`" if rule.lite else "composed"
    return f"| `{name}` | {becomes} | {', '.join(kept)} | {', '.join(checked)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
