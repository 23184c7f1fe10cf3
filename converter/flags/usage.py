"""The text of `--help`."""

from __future__ import annotations

import textwrap

from converter.flags.table import FLAGS, SUPPORTED, Flag

_TEXT_COLUMN = 28
_WIDTH = 100
_PLACEHOLDERS = {
    "file": "FILE",
    "directory": "DIR",
    "names": "NAME[,NAME]",
    "text": "TEXT",
    "key": "DIGITS|env:VARIABLE|file:FILE",
    "shapes": "NAME:DIM,DIM[;NAME:DIM]",
}


def usage() -> str:
    """Return the text of --help, which also follows problems of the command line."""
    honored = [flag for flag in FLAGS if flag.is_honored]
    refused = [flag for flag in FLAGS if not flag.is_honored]
    lines = ["usage: converter_lite --fmk=MINDIR --modelFile=FILE --outputFile=FILE [--flag=value ...]", ""]
    for flag in honored:
        lines += _usage_lines(flag, flag.help + _default_text(flag))
    lines += ["", "Flags of the official converter that are accepted at their default only:", ""]
    for flag in refused:
        lines += _usage_lines(flag, flag.help + f" Here: {flag.status}.")
    return "\n".join(lines) + "\n"


def placeholder(flag: Flag) -> str:
    """What stands for the value of a flag in texts."""
    honored = flag.values if flag.status == SUPPORTED else flag.accepted or (flag.default,)
    return _PLACEHOLDERS.get(flag.kind) or "|".join(value for value in honored if value)


def _default_text(flag: Flag) -> str:
    if flag.is_required:
        return " Required."
    return f" Default: {flag.default}." if flag.default and flag.kind != "switch" else ""


def _usage_lines(flag: Flag, text: str) -> list[str]:
    head = f"  --{flag.name}" + ("" if flag.kind == "switch" else f"={placeholder(flag) or 'VALUE'}")
    wrapped = textwrap.wrap(text, _WIDTH - _TEXT_COLUMN)
    if len(head) < _TEXT_COLUMN:
        wrapped[0] = head.ljust(_TEXT_COLUMN) + wrapped[0]
    else:
        wrapped.insert(0, head)
    indent = " " * _TEXT_COLUMN
    return [wrapped[0], *(indent + line for line in wrapped[1:])]
