"""The construction variables of the tool: one table for the defaults, `scons models-help` and the docs."""

from __future__ import annotations

import sys
from copy import copy
from typing import Any, NamedTuple


class Variable(NamedTuple):
    """One construction variable; `rebuilds` says whether another value converts a model again."""

    name: str
    default: Any
    help: str
    rebuilds: bool


VARIABLES = (
    Variable(
        "MSLITE_CONFIG",
        None,
        "Config file of the conversion (quantization, fusion), as for converter_lite --configFile. "
        "Only its values count: not comments, blanks or the order of keys.",
        rebuilds=True,
    ),
    Variable("MSLITE_TRAIN", False, "Whether the model is going to be trained on the device.", rebuilds=True),
    Variable(
        "MSLITE_FLAGS",
        [],
        "More flags of converter_lite, as a list: ['--optimize=none', '--skip-pass=fuse-conv-bias'].",
        rebuilds=True,
    ),
    Variable(
        "MSLITE_BACKEND",
        "mslite",
        "Which converter: 'mslite', or 'converter_lite', the official one.",
        rebuilds=True,
    ),
    Variable(
        "MSLITE_CONVERTER",
        None,
        "Path of the official converter, with MSLITE_BACKEND='converter_lite'; looked up on PATH if None.",
        rebuilds=True,
    ),
    Variable(
        "MSLITE_DEPS_IN_KEY",
        False,
        "Whether other versions of numpy, flatbuffers and protobuf convert again.",
        rebuilds=True,
    ),
    Variable(
        "MSLITECOMSTR", "MSLITE $TARGET", "What is printed for a model; its size and the time follow.", rebuilds=False
    ),
    Variable("MSLITE_ALIAS", "models", "Name of the alias that builds all models.", rebuilds=False),
    Variable(
        "MSLITE_MANIFEST",
        "#models.json",
        "File that lists all models: sizes, hashes, inputs, outputs, converter, options.",
        rebuilds=False,
    ),
    Variable(
        "MSLITE_PYTHON",
        sys.executable,
        "Python that runs the conversions; it needs numpy, flatbuffers and protobuf (SCons's own need not).",
        rebuilds=False,
    ),
    Variable(
        "MSLITE_EXECUTOR",
        None,
        "Who converts: None for processes of this machine, or the address of a Dask scheduler: 'tcp://host:8786'.",
        rebuilds=False,
    ),
    Variable(
        "MSLITE_CACHE_LIMIT_MB",
        0,
        "Megabytes that models-clean-cache leaves in the directory of a cache.",
        rebuilds=False,
    ),
    Variable(
        "MSLITE_EMBED",
        "asm",
        "How MSLiteEmbed embeds: 'asm' (GNU as, .incbin) or 'c' (an array, slow for large models).",
        rebuilds=False,
    ),
    Variable("MSLITE_ALIGN", 16, "Alignment of embedded models, in bytes.", rebuilds=False),
    Variable(
        "MSLITE_REGISTRY",
        None,
        "Name, without suffix, of the registry that MSLiteEmbed makes; 'mslite_models' beside the first model if None.",
        rebuilds=False,
    ),
    Variable(
        "MSLITE_FLASH_BUDGET",
        None,
        "Flash that all models of one MSLiteEmbed may take: bytes, or '256K'.",
        rebuilds=False,
    ),
    Variable(
        "MSLITE_RAM_BUDGET",
        None,
        "RAM that one step of one model may take: a size, or {'inference': size, 'training': size}.",
        rebuilds=False,
    ),
    Variable("MSLITEEMBEDCOMSTR", "EMBED $TARGET", "What is printed for a model that is embedded.", rebuilds=False),
)


def defaults() -> dict[str, Any]:
    """Return the default of every variable."""
    return {variable.name: copy(variable.default) for variable in VARIABLES}


def help_text() -> str:
    """Return what `scons models-help` prints."""
    lines = ["env.MSLiteModel(target, source, ...) converts MindSpore .mindir models to MindSpore Lite .ms files.", ""]
    for variable in VARIABLES:
        shown = "the Python that runs SCons" if variable.name == "MSLITE_PYTHON" else repr(variable.default)
        lines += [f"{variable.name} (default: {shown})", f"    {variable.help}"]
    return "\n".join(lines)
