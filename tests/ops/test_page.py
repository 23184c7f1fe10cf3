"""The operators page says what the tables say."""

from __future__ import annotations

from pathlib import Path

from converter.ops.page import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_operators_page_is_what_the_tables_print() -> None:
    assert (ROOT / "docs" / "operators.md").read_text(encoding="utf-8") == page()
