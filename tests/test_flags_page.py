from __future__ import annotations

from pathlib import Path

from converter.flags.page import page
from converter.flags.table import FLAGS

PAGE = Path(__file__).parents[1] / "docs" / "command_line.md"


def test_the_page_is_what_the_table_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m converter.flags.page > docs/command_line.md"


def test_the_page_has_every_flag() -> None:
    assert all(f"| `--{flag.name}` |" in page() for flag in FLAGS)


def test_every_row_has_as_many_cells_as_the_head() -> None:
    assert {line.count(" | ") for line in page().splitlines() if line.startswith("| ")} == {4}
