"""Records of models as text: JSON with a line for each fact, which people compare and `json` reads.

`json.dumps(..., indent=1)` would do, in ten times the time: it is written in Python.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def text_of(record: Mapping[str, Any]) -> str:
    """Return the text of one record, its facts sorted by name."""
    return _joined({name: json.dumps(record[name], sort_keys=True, ensure_ascii=False) for name in record}) + "\n"


def manifest_text(form: int, records: Mapping[str, str]) -> str:
    """Return the text of a manifest, given that of the record of each model."""
    models = {name: text.rstrip("\n").replace("\n", "\n ") for name, text in records.items()}
    return _joined({"format": str(form), "models": _joined(models).replace("\n", "\n ")}) + "\n"


def _joined(values: Mapping[str, str]) -> str:
    lines = [f" {json.dumps(name, ensure_ascii=False)}: {values[name]}" for name in sorted(values)]
    return "{\n" + ",\n".join(lines) + "\n}"
