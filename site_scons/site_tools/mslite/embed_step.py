"""Steps that embed: records of models become sources, headers and a registry. Only records are read, never a model.

So an up-to-date build hashes no model for the firmware's sake. What a record says is true of its model: both are
targets of one action, and the source names the model's hash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SCons.Subst import SUBST_RAW

from . import budgets, embed_text, home, scratch
from .complaint import complain
from .places import RECORD_SUFFIX
from .signed import SignedAction, failed

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Node, Nodes

SUFFIXES = {"asm": ".S", "c": ".c"}


def mode_of(env: Env) -> str:
    """Return how models are embedded, `asm` or `c`; UserError for anything else."""
    mode = env.subst("$MSLITE_EMBED")
    if mode not in SUFFIXES:
        raise complain(f"MSLITE_EMBED is {mode!r}; use 'asm' or 'c'")
    return str(mode)


def align_of(env: Env) -> int:
    """Return the alignment of models in bytes; UserError where it is none."""
    text = env.subst("$MSLITE_ALIGN")
    align = int(text) if text.isdecimal() else 0
    if align < 1 or align & (align - 1):
        raise complain(f"MSLITE_ALIGN is {text!r}; use a power of two")
    return align


def _embed(target: Nodes, source: Nodes, env: Env) -> None:
    """Write the source and the header of one model."""
    path, record = _model(source[0])
    if target[0].name.endswith(SUFFIXES["c"]):
        content = Path(env.Dir("#").get_abspath(), path).read_bytes()
        text = embed_text.c_array(path, record, align_of(env), content)
    else:
        text = embed_text.assembler(path, record, align_of(env))
    _write(target[0], text)
    _write(target[1], embed_text.model_header(path, record))


def _register(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    """Check the budgets; write the registry and, where there is a flash budget, the linker's check."""
    models = [_model(node) for node in source]
    allowed = budgets.read(env)
    problem = budgets.exceeded(allowed, models)
    if problem:
        return failed(problem)
    name = target[0].name.removesuffix(".h")
    texts = [embed_text.registry_header(name, models), embed_text.registry_source(name, models)]
    if allowed.flash is not None:
        texts.append(embed_text.linker_check(models, allowed.flash))
    for node, text in zip(target, texts, strict=False):  # there may be no file for the linker's check
        _write(node, text)
    return None


def _model(record: Node) -> tuple[str, dict[str, Any]]:
    """Return the model's path below the SConstruct's directory, with slashes, and its record."""
    path = record.get_path().replace("\\", "/").removesuffix(RECORD_SUFFIX)
    return path, json.loads(Path(record.get_abspath()).read_text(encoding="utf-8"))


def _write(node: Node, text: str) -> None:
    path = Path(node.get_abspath())
    scratch.mark(path)
    path.write_text(text, encoding="utf-8", newline="\n")


def _code() -> str:
    return home.code_of(embed_text.__file__, __file__, budgets.__file__)


def _describe_embed(_target: Nodes, source: Nodes, env: Env) -> str:
    # The name is part of the content, and SCons compares no names.
    return f"mslite-embed (code {_code()}) {mode_of(env)} {align_of(env)} {source[0].get_path()}"


def _describe_register(_target: Nodes, source: Nodes, env: Env) -> str:
    names = " ".join(node.get_path() for node in source)
    return f"mslite-registry (code {_code()}) {budgets.read(env)} {names}"


def _announce(target: Nodes, source: Nodes, env: Env) -> str:
    return str(env.subst("$MSLITEEMBEDCOMSTR", SUBST_RAW, target, source))


EMBED = SignedAction(_embed, _describe_embed, _announce)
REGISTER = SignedAction(_register, _describe_register)
