"""Arguments of `mslite`, and what it says when something is wrong."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from converter.errors import ConversionError
from converter.tools import inspect, run, train
from converter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# One row per subcommand: a module with `SUMMARY`, `DESCRIPTION`, `add_arguments(parser)` and `execute(arguments)`.
COMMANDS: dict[str, ModuleType] = {"inspect": inspect, "run": run, "train": train}
_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command with all its subcommands."""
    parser = argparse.ArgumentParser(
        prog="mslite",
        description="Work with .ms models: every result is computed as the device's training runtime would compute it.",
    )
    parser.add_argument("--version", action="version", version=f"mslite {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser


def run_command(argv: Sequence[str] | None = None) -> int:
    """Parse and execute; 0 on success, else the code of the first problem, printed to stderr."""
    arguments = build_parser().parse_args(argv)
    try:
        COMMANDS[arguments.command].execute(arguments)
    except ConversionError as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.status.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
