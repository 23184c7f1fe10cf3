from __future__ import annotations

from pathlib import Path

from converter.config.page import page
from converter.config.sections import SECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_what_the_tables_print() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m converter.config.page > docs/configuration.md"


def test_the_page_has_every_section_and_key() -> None:
    text = page()
    assert all(f"## [{section.name}]\n" in text for section in SECTIONS)
    assert all(f"| `{key.name}` |" in text for section in SECTIONS for key in section.keys)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    widths = [line.count(" | ") for line in page().splitlines() if line.startswith("| ")]
    assert set(widths) == {4}
