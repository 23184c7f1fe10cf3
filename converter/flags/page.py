"""docs/command_line.md, printed from the table: `python -m converter.flags.page > docs/command_line.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from converter.flags.table import FLAGS, SUPPORTED, Flag

if TYPE_CHECKING:
    from collections.abc import Iterable

_INTRODUCTION = """\
# Command line

Printed from the table in `converter/flags/table.py`; change it, then run
`python -m converter.flags.page > docs/command_line.md`.

Flags are those of `converter_lite`, written `--name=value`. What is wrong with a command line is reported all at once.
"""

_OWN = "Flags that only this converter has:\n"

_DETAILS = """\
## Formats and types of inputs and outputs

Without flags, four-dimensional inputs are fed as NHWC, and outputs come in the axes of the MindIR, as from the official
converter. `--inputDataFormat=NCHW` keeps the MindIR's axes for inputs, `--outputDataFormat=NHWC` gives four-dimensional
outputs channels last; the transposes that this takes are placed with all others, so that the fewest are left. The
tensors' shapes and formats in the file say what holds, and the report has a note for each.

`--inputDataType=INT64` puts a Cast to int32 behind integer inputs, which without it are int32 themselves; `INT32` says
so. INT8 and UINT8 take the casts away that a fully quantized model has at its borders, for inputs and for outputs; what
an integer stands for is in the tensor's quantization parameter, and in the report. FLOAT changes nothing: floats are
float32, also those of a float16 MindIR. A type that no input or output can have is warned about; the official converter
says nothing. FLOAT16 is refused, as the official converter refuses it for `.ms` files.

`--inputShape` gives numbers to dimensions that the MindIR leaves unknown. A dimension that is known can be repeated,
but not changed: the network was compiled for it. Names, numbers of dimensions and conflicts are checked, and reported
together. The official converter ignores this flag for MindIR.

## float16

`--fp16=on` stores float32 constants as float16; about half the size. The device widens them when it loads the model,
and computes in float32 unless it is told otherwise. Constants stay float32 where float16 cannot hold them (beyond
65504, or none larger than 0.00006), which a note in the report says, where they have fewer than 16 elements, and where
they go into another graph. Quantized weights stay as they are.

For training it is refused: the training runtime widens float16 constants only while it prepares a kernel, puts them
back, and then reads them as float32.

## Encrypted models

`--decryptKey` takes the `enc_key` of the export, its bytes in hexadecimal, and `--decryptMode` its `enc_mode`. Files of
MindSpore 1.6 to 2.10 were tried, split weights included. `--encryptKey` encrypts the output with AES-GCM, as the
runtime's `dec_key` expects it: 16 bytes. The same input, key and options give the same file.

A key can be the digits themselves, or the place where they are: `env:VARIABLE` or `file:FILE`. No message, report or
`--dump-ir` shows a key; one that is given as digits is also overwritten where `ps` shows the command line (Linux), but
shells keep histories: use a place.

A wrong key is reported as such. Only files of MindSpore 1.x, and those of AES-CBC, do not prove that a key is the right
one; there it is noticed because no model comes out.

Needs the package `cryptography`: `pip install 'mslite-scons[encryption]'`.
"""


def page() -> str:
    """Return the text of docs/command_line.md."""
    official = [flag for flag in FLAGS if flag.is_official]
    own = [flag for flag in FLAGS if not flag.is_official]
    return "\n".join([_INTRODUCTION, _table(official), _OWN, _table(own), _DETAILS])


def _table(flags: Iterable[Flag]) -> str:
    head = ("flag", "values", "default", "meaning", "supported")
    lines = [head, ("--",) * len(head), *map(_row, flags)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _row(flag: Flag) -> tuple[str, ...]:
    values = "" if flag.kind == "switch" else ", ".join(map(_code, flag.values)) or _KINDS.get(flag.kind, flag.kind)
    return (
        f"`--{flag.name}`",
        values,
        "required" if flag.is_required else _code(flag.default),
        flag.help,
        _support(flag),
    )


_KINDS = {"key": "hexadecimal, `env:VARIABLE` or `file:FILE`", "shapes": "`name:1,32,32;name2:5`"}


def _support(flag: Flag) -> str:
    if flag.status == SUPPORTED:
        return "yes"
    honored = [_code(value) for value in dict.fromkeys((*flag.accepted, flag.default)) if value]
    return f"{' and '.join(honored)} only: {flag.status}" if honored else f"refused: {flag.status}"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.stdout.write(page())
