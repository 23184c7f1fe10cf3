"""The text of what embeds models: assembler or C, headers, registry, linker check. Pure: no file, no SCons.

Data: `mslite_NAME` are the bytes, `mslite_NAME_facts` what the build knows about them. The registry's header and source
hold only what the application is written against (names, types, shapes), so a model with other weights changes its
own source and nothing else.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

Record = dict[str, Any]

TYPES = """\
#ifndef MSLITE_MODEL_TYPES
#define MSLITE_MODEL_TYPES

/* Element types (numbers of MindSpore's TypeId) and layouts (of tensors with four axes). */
enum {
    MSLITE_BOOL = 30,
    MSLITE_INT8 = 32,
    MSLITE_INT16 = 33,
    MSLITE_INT32 = 34,
    MSLITE_INT64 = 35,
    MSLITE_UINT8 = 37,
    MSLITE_UINT16 = 38,
    MSLITE_UINT32 = 39,
    MSLITE_UINT64 = 40,
    MSLITE_FLOAT16 = 42,
    MSLITE_FLOAT32 = 43,
    MSLITE_FLOAT64 = 44,
    MSLITE_BFLOAT16 = 45
};
enum { MSLITE_NCHW = 0, MSLITE_NHWC = 1, MSLITE_KHWC = 7 };

/* An input or output. An extent of -1 is not known before run time. Labels are inputs that only training reads. */
typedef struct {
    const char *name;
    int32_t type;
    int32_t layout;
    uint32_t is_label;
    uint32_t rank;
    const int32_t *shape;
} mslite_tensor;

/* Bytes; RAM is the least that one step needs, 0 where that is not known, or where nothing is trained. */
typedef struct {
    uint32_t size;
    uint32_t crc32;
    uint32_t inference_ram;
    uint32_t training_ram;
    uint8_t sha256[32];
} mslite_facts;

typedef struct {
    const char *name;
    const uint8_t *data;
    const mslite_facts *facts;
    uint32_t input_count;
    uint32_t output_count;
    const mslite_tensor *inputs;
    const mslite_tensor *outputs;
} mslite_model;

#endif
"""

_HEADER = """\
/* Made by MSLiteEmbed{about}. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{types}
{declared}
#ifdef __cplusplus
}}
#endif

#endif
"""

_ASSEMBLER = """\
/* Made by MSLiteEmbed for {about}, sha256 {sha256}. */
    .section .mslite_models.{symbol}, "a", %progbits
    .balign {align}
    .global mslite_{symbol}
    .global mslite_{symbol}_end
    .type mslite_{symbol}, %object
mslite_{symbol}:
    .incbin "{path}"
mslite_{symbol}_end:
    .size mslite_{symbol}, . - mslite_{symbol}

    .section .rodata.mslite_{symbol}_facts, "a", %progbits
    .balign 4
    .global mslite_{symbol}_facts
    .type mslite_{symbol}_facts, %object
mslite_{symbol}_facts:
    .long {size}, {crc32:#010x}, {inference}, {training}
    .byte {digest}
    .size mslite_{symbol}_facts, . - mslite_{symbol}_facts
#ifdef __linux__ /* its linker takes an object that is silent about its stack for one that executes there */
    .section .note.GNU-stack, "", %progbits
#endif
"""

_C = """\
/* Made by MSLiteEmbed for {about}, sha256 {sha256}. */
#include "{header}"

#ifdef MSLITE_PLACED /* how to align a model and to put it into its section: this compiler's way is given */
#elif defined(__GNUC__) || defined(__ARMCC_VERSION) || defined(__ICCARM__)
#define MSLITE_PLACED(name) __attribute__((aligned({align}), section(".mslite_models." name)))
#elif defined(_MSC_VER)
#define MSLITE_PLACED(name) __declspec(align({align}))
#else
#error "define MSLITE_PLACED(name): aligned to {align} bytes, in the section .mslite_models.NAME"
#endif

const mslite_facts mslite_{symbol}_facts = {{{size}u, {crc32:#010x}u, {inference}u, {training}u, {{{digest}}}}};

MSLITE_PLACED("{symbol}") const uint8_t mslite_{symbol}[{size}] = {{
{array}}};
"""

_MODEL = """\
extern const uint8_t mslite_{symbol}[];
extern const mslite_facts mslite_{symbol}_facts;

#define MSLITE_{macro}_SIZE {size}u
#define MSLITE_{macro}_CRC32 {crc32:#010x}u
#define MSLITE_{macro}_SHA256 "{sha256}"
#define MSLITE_{macro}_INFERENCE_RAM {inference}u
#define MSLITE_{macro}_TRAINING_RAM {training}u
"""

_BYTES_PER_LINE = 20
# What a C string takes as it is: printable ASCII without quotes, escapes and trigraphs.
_AS_IT_IS = frozenset(range(ord(" "), ord("~") + 1)) - frozenset(b'"\\?')


def symbol_of(file_name: str) -> str:
    """Return the C name of a model: `lenet-5.ms` gives `lenet_5`."""
    return re.sub(r"\W", "_", file_name.removesuffix(".ms"), flags=re.ASCII)


def assembler(path: str, record: Record, align: int) -> str:
    """Return the source that takes the model's bytes from `path` (as the compiler sees it) with `.incbin`."""
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    return _ASSEMBLER.format(path=quoted, align=align, **_fields(path, record))


def c_array(path: str, record: Record, align: int, content: bytes) -> str:
    """Return the same as a C array, for compilers without GNU as: slow, and memory-hungry for large models."""
    pieces = (content[at : at + _BYTES_PER_LINE] for at in range(0, len(content), _BYTES_PER_LINE))
    array = "".join(",".join(map(str, piece)) + ",\n" for piece in pieces)
    header = PurePosixPath(path).name.removesuffix(".ms") + "_ms.h"
    return _C.format(header=header, align=align, array=array, **_fields(path, record))


def model_header(path: str, record: Record) -> str:
    """Return the header of one model, with its facts as constants of the compiler."""
    fields = _fields(path, record)
    declared = _MODEL.format(macro=fields["symbol"].upper(), **fields)
    guard = f"MSLITE_{fields['symbol'].upper()}_MS_H"
    return _HEADER.format(about=f" for {fields['about']}", guard=guard, types=TYPES, declared=declared)


def registry_header(name: str, models: list[tuple[str, Record]]) -> str:
    """Return the header of a registry: an index of all models."""
    symbols = [symbol_of(PurePosixPath(path).name) for path, _ in models]
    prefix = symbol_of(name)
    names = [*(f"{prefix}_{symbol}".upper() for symbol in symbols), f"{prefix.upper()}_COUNT"]
    declared = "/* Places in the registry. */\nenum {\n" + "".join(f"    {each},\n" for each in names[:-1])
    declared += f"    {names[-1]}\n}};\n\nextern const mslite_model {prefix}[{names[-1]}];\n\n"
    declared += "".join(f"extern const uint8_t mslite_{symbol}[];\n" for symbol in symbols)
    declared += "".join(f"extern const mslite_facts mslite_{symbol}_facts;\n" for symbol in symbols)
    return _HEADER.format(about="", guard=f"{prefix.upper()}_H", types=TYPES, declared=declared)


def registry_source(name: str, models: list[tuple[str, Record]]) -> str:
    """Return the registry: what the application may check itself against."""
    lines = ["/* Made by MSLiteEmbed. */", f'#include "{name}.h"', ""]
    rows = []
    for path, record in models:
        symbol = symbol_of(PurePosixPath(path).name)
        for kind in ("inputs", "outputs"):
            lines += _ports(f"{symbol}_{kind}", record[kind], record["labels"] if kind == "inputs" else ())
        counts = f"{len(record['inputs'])}, {len(record['outputs'])}"
        rows.append(
            f"    {{{_text(symbol)}, mslite_{symbol}, &mslite_{symbol}_facts, {counts}, "
            f"{symbol}_inputs, {symbol}_outputs}},"
        )
    prefix = symbol_of(name)
    lines += [f"const mslite_model {prefix}[{prefix.upper()}_COUNT] = {{", *rows, "};"]
    return "\n".join(lines) + "\n"


def linker_check(models: list[tuple[str, Record]], budget: int) -> str:
    """Return an input of GNU ld that refuses assembled models which take more than `budget` bytes in all."""
    names = [symbol_of(PurePosixPath(path).name) for path, _ in models]
    sizes = " + ".join(f"(mslite_{name}_end - mslite_{name})" for name in names)
    largest = ", ".join(f"{path} {size}" for path, size in largest_first(models))
    message = f"the models take more flash than the {budget} bytes of MSLITE_FLASH_BUDGET; bytes of each: {largest}"
    return f'/* Made by MSLiteEmbed. */\nASSERT({sizes} <= {budget}, "{_plain(message)}")\n'


def largest_first(models: list[tuple[str, Record]], most: int = 5) -> list[tuple[str, int]]:
    """Return path and size in bytes of the largest models."""
    sizes = [(path, int(record["bytes"])) for path, record in models]
    return sorted(sizes, key=lambda each: (-each[1], each[0]))[:most]


def _fields(path: str, record: Record) -> dict[str, Any]:
    memory = record["memory"] or {}
    digest = ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(record["sha256"]))
    return {
        "about": _plain(PurePosixPath(path).name),
        "symbol": symbol_of(PurePosixPath(path).name),
        "size": record["bytes"],
        "crc32": record["crc32"],
        "sha256": record["sha256"],
        "digest": digest,
        "inference": memory.get("inference") or 0,
        "training": memory.get("training") or 0,
    }


def _ports(name: str, tensors: list[Record], labels: list[str] | tuple[()]) -> list[str]:
    """Return the C arrays of a model's inputs or outputs."""
    lines = []
    rows = []
    for index, tensor in enumerate(tensors):
        shape = tensor["shape"]
        if shape:
            lines.append(f"static const int32_t {name}_{index}[] = {{{', '.join(map(str, shape))}}};")
        words = [_text(tensor["name"]), f"MSLITE_{tensor['dtype'].upper()}", f"MSLITE_{tensor['layout']}"]
        words += [str(int(tensor["name"] in labels)), str(len(shape)), f"{name}_{index}" if shape else "0"]
        rows.append(f"    {{{', '.join(words)}}},")
    return [*lines, f"static const mslite_tensor {name}[] = {{", *rows, "};", ""]


def _text(text: str) -> str:
    """Return a C string literal: ASCII, whatever a name holds."""
    letters = (chr(byte) if byte in _AS_IT_IS else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(letters)}"'


def _plain(text: str) -> str:
    """Return text that may stand in a comment and in a linker script."""
    return re.sub(r'[^ -~]|["\\*?]', "_", text)
