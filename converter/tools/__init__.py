"""The `mslite` command: run, train and look at `.ms` models without a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `mslite` with these arguments (those of the process by default); returns the exit code."""
    # Imported here: the package itself must stay cheap to import.
    from converter.tools.command_line import run_command  # noqa: PLC0415

    return run_command(argv)
