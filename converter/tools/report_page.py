"""`python -m converter.tools.report_page MANIFEST --page FILE --state FILE --top DIR`: the page of `models-report`.

One HTML file about all models of a manifest. `state` remembers the manifest of this report and the last different one,
so that the page says what changed, and still says it when the report is made again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConversionError, fail
from converter.output import replacing
from converter.tools.report_page_changes import changes
from converter.tools.report_page_facts import facts_of
from converter.tools.report_page_html import page

if TYPE_CHECKING:
    from collections.abc import Sequence


def write_page(manifest: Path, target: Path, state: Path, top: Path) -> int:
    """Write the page, then the state; return the number of models. Paths in the manifest count from `top`."""
    models = _read(manifest)
    current, before = _remembered(state)
    if current != models:
        before = current
    facts = [facts_of(name, models[name], top) for name in sorted(models)]
    text = page(facts, None if before is None else changes(before, models))
    for path, content in (
        (target, text),
        (state, json.dumps({"now": models, "before": before}, sort_keys=True) + "\n"),
    ):
        with replacing(path) as file:
            file.write(content.encode("utf-8"))
    return len(models)


def _read(manifest: Path) -> dict[str, Any]:
    """Return the models of a manifest. Raises `ConversionError` E501 for a damaged one."""
    try:
        models: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["models"]
        if all(record["sha256"] for record in models.values()):
            return models
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as failure:
        raise _damaged(manifest) from failure
    raise _damaged(manifest)


def _damaged(manifest: Path) -> ConversionError:
    hint = "scons models-verify removes it, the next build makes it again"
    return fail("E501", "damaged after it was built", path=str(manifest), hint=hint)


def _remembered(state: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the models of the last report, and of the one before that had others."""
    try:
        content = json.loads(state.read_text(encoding="utf-8"))
        return content["now"], content["before"]
    except (OSError, ValueError, KeyError, TypeError):
        # Not there, or not ours: like a first report.
        return None, None


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 0, or the code of the problem, which is printed to stderr."""
    parser = argparse.ArgumentParser(prog="report_page")
    parser.add_argument("manifest", type=Path)
    for name in ("page", "state", "top"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        write_page(given.manifest, given.page, given.state, given.top)
    except ConversionError as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.status.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
