"""SCons tool: a `.ms` file becomes an object in the firmware, with a header that says what was embedded.

`env.MSLiteEmbed('net_ms.S', 'net.ms')` makes `net_ms.S` and `net_ms.h`. The assembler takes the model's bytes with
`.incbin` (a C array of 10 MiB takes the compiler 17 s and 1.3 GiB, `.incbin` 0.02 s) from the directories in CPPPATH,
aligned to 16 bytes, in the section `.mslite_models.net`. Both files depend on nothing but the model: no path, no time.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import SCons.Errors
from ms_facts import DamagedModelError, Facts, read_facts
from SCons.Script import Action, Builder

if TYPE_CHECKING:
    from SCons.Environment import Base as Environment
    from SCons.Node.FS import File

ASSEMBLER = """\
/* Made from {file}, sha256 {sha256}. */
    .section .mslite_models.{symbol}, "a", %progbits
    .balign 16
    .global mslite_{symbol}_begin
    .global mslite_{symbol}_end
mslite_{symbol}_begin:
    .incbin "{file}"
mslite_{symbol}_end:
#ifdef __linux__ /* its linker takes an object that is silent about its stack for one that executes there */
    .section .note.GNU-stack, "", %progbits
#endif
"""

HEADER = """\
/* Made from {file}. */
#ifndef MSLITE_{macro}_H
#define MSLITE_{macro}_H

#include <stdint.h>

extern const uint8_t mslite_{symbol}_begin[];
extern const uint8_t mslite_{symbol}_end[];

#define MSLITE_{macro}_VERSION "{facts.version}"
#define MSLITE_{macro}_SIZE {size}u
#define MSLITE_{macro}_CRC32 0x{crc32:08x}u
#define MSLITE_{macro}_NODE_COUNT {facts.node_count}u
#define MSLITE_{macro}_TENSOR_COUNT {facts.tensor_count}u
#define MSLITE_{macro}_CONSTANT_BYTES {facts.constant_bytes}u

#endif
"""


def symbol_of(file_name: str) -> str:
    """Returns the C identifier for a model: `lenet-5.ms` gives `lenet_5`."""
    return re.sub(r"\W", "_", Path(file_name).stem, flags=re.ASCII)


def render(template: str, file_name: str, model: bytes, facts: Facts) -> str:
    """Fills `ASSEMBLER` or `HEADER` for one model."""
    symbol = symbol_of(file_name)
    return template.format(
        file=file_name,
        symbol=symbol,
        macro=symbol.upper(),
        size=len(model),
        crc32=zlib.crc32(model),
        sha256=hashlib.sha256(model).hexdigest(),
        facts=facts,
    )


def write(path: str, text: str) -> None:
    """Writes `text` with LF endings, whole or not at all: a killed build leaves no half file."""
    temporary = Path(f"{path}.tmp")
    temporary.write_bytes(text.encode("ascii"))
    temporary.replace(path)


def embed(target: list[File], source: list[File], env: Environment) -> None:
    """Builds the assembler file and the header of one model."""
    del env
    model = Path(str(source[0])).read_bytes()
    try:
        facts = read_facts(model)
    except DamagedModelError as damage:
        raise SCons.Errors.BuildError(node=source[0], errstr=f"{source[0]} cannot be embedded: {damage}") from damage
    for node, template in zip(target, (ASSEMBLER, HEADER), strict=True):
        write(str(node), render(template, source[0].name, model, facts))


def name_targets(target: list[File], source: list[File], env: Environment) -> tuple[list[File], list[File]]:
    """Adds the header to the targets and refuses two models that would get one symbol."""
    owner = env["MSLITE_EMBEDDED"].setdefault(symbol_of(source[0].name), source[0])
    if owner is not source[0]:
        raise SCons.Errors.UserError(f"{owner} and {source[0]} would both be embedded as {symbol_of(source[0].name)}")
    header = target[0].target_from_source("", ".h")
    env.Depends([target[0], header], [env.File(__file__), env.File(read_facts.__code__.co_filename)])
    return [target[0], header], source


def generate(env: Environment) -> None:
    """Adds `env.MSLiteEmbed`; called by SCons."""
    env["MSLITE_EMBEDDED"] = {}
    env["MSLITEEMBEDCOMSTR"] = "EMBED $SOURCE"
    env["BUILDERS"]["MSLiteEmbed"] = Builder(
        action=Action(embed, cmdstr="$MSLITEEMBEDCOMSTR"),
        emitter=name_targets,
        suffix=".S",
        src_suffix=".ms",
        single_source=True,
    )


def exists(_env: Environment) -> bool:
    """Says that the tool needs nothing that may be missing; called by SCons."""
    return True
