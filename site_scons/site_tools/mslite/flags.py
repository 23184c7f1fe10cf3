"""`MSLITE_TRAIN` and `MSLITE_FLAGS`: the converter's command-line flags as construction variables."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import home, memory
from .complaint import complain

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.encryption.keys import KeySource
    from converter.flags import Flags

    from .scons_types import Env

# What MSLiteModel sets itself, and the way to set it.
_OWN_WAY = {
    "fmk": "the source of MSLiteModel is always a .mindir",
    "modelFile": "it is the source of MSLiteModel",
    "outputFile": "it is the target of MSLiteModel",
    "configFile": "use MSLITE_CONFIG",
    "trainModel": "use MSLITE_TRAIN",
    **dict.fromkeys(("help", "version", "dump-ir", "report", "traceback"), "use it on the converter's command line"),
}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


def text(env: Env) -> str:
    """Return what the flags ask for, as far as it can change the output; UserError for one that cannot be used.

    A key is told from another by a few bits of a hash, which say nothing about it.
    """
    train, words = is_true(env, "MSLITE_TRAIN"), _words(env)
    if not words:
        return "train=true" if train else ""
    # A word may be a key: it is never stored.
    if any("Key=" in word for word in words):
        return _described(parse(env))
    identity = [home.version_text(), train]
    known = memory.recall("flags", " ".join(words), identity)
    if known is None:
        known = _described(parse(env))
        memory.remember("flags", " ".join(words), identity, known)
    return str(known)


def parse(env: Env) -> Flags:
    """Return the flags of a construction environment; UserError for one that cannot be used."""
    return _parse(is_true(env, "MSLITE_TRAIN"), tuple(_words(env)))


def official_words(env: Env, show_key: Callable[[KeySource], str] | None = None) -> list[str]:
    """Return the flags for the official converter, which may know more of them than ours does.

    It wants the digits of a key, which it is given, wherever they stand; `show_key` gives what is shown instead.
    """
    words = _words(env)
    _refuse_own(words)
    train = is_true(env, "MSLITE_TRAIN")
    return [f"--trainModel={str(train).lower()}", *(_official_word(word, show_key or _digits) for word in words)]


def official_text(env: Env) -> str:
    """Return the same for a signature: of a key, only what tells it from another."""
    return " ".join(official_words(env, _check_value))


def _official_word(word: str, show_key: Callable[[KeySource], str]) -> str:
    name, _, value = word.removeprefix("--").partition("=")
    if name not in {"decryptKey", "encryptKey"} or not value:
        return word
    home.require()
    from converter.encryption.keys import DECRYPT_LENGTHS, key_source  # noqa: PLC0415 - importable only after require()
    from converter.errors import ConversionError  # noqa: PLC0415

    try:
        return f"--{name}={show_key(key_source(name, value, DECRYPT_LENGTHS))}"
    except ConversionError as failure:
        raise complain(f"MSLITE_FLAGS: {failure}") from failure


def _digits(source: KeySource) -> str:
    return source.read().octets.hex()


def _words(env: Env) -> list[str]:
    given = env.get("MSLITE_FLAGS") or []
    return env.Split(given) if isinstance(given, str) else [env.subst(str(word)) for word in given]


def _refuse_own(words: list[str]) -> None:
    for word in words:
        name = word.lstrip("-").removeprefix("no-").partition("=")[0]
        if name in _OWN_WAY:
            raise complain(f"MSLITE_FLAGS: --{name} cannot be given here: {_OWN_WAY[name]}")


def is_true(env: Env, name: str) -> bool:
    """Read a Boolean variable as it may come from SConstruct, from `Variables` or from the command line."""
    value = env.get(name, False)
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in _TRUTHS:
        raise complain(f"{name} is {value!r}; use True or False")
    return _TRUTHS[value.lower()]


@lru_cache(maxsize=64)
def _parse(train: bool, words: tuple[str, ...]) -> Flags:
    """Parse flags with the converter's own parser."""
    home.require()
    from converter.errors import ConversionError  # noqa: PLC0415 - importable only after require()
    from converter.flags import parse_flags  # noqa: PLC0415

    _refuse_own([*words])
    own = ["--fmk=MINDIR", "--modelFile=model.mindir", "--outputFile=model.ms", f"--trainModel={str(train).lower()}"]
    try:
        return parse_flags([*own, *words])
    except ConversionError as failure:
        raise complain(f"MSLITE_FLAGS: {failure}") from failure


def _described(flags: Flags) -> str:
    """Return every option that is not at its default, and which keys are used."""
    from converter.options import ConvertOptions  # noqa: PLC0415 - importable only after require()

    defaults: dict[str, Any] = ConvertOptions().canonical()
    words = [
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in flags.asked.canonical().items()
        if value != defaults[name]
    ]
    sources = {"decrypt_key": flags.decrypt_key, "encrypt_key": flags.encrypt_key}
    words += [f"{name}={_check_value(source)}" for name, source in sources.items() if source is not None]
    return " ".join(words)


def _check_value(source: KeySource) -> str:
    """Return what tells a key from another; the conversion reports one that cannot be read."""
    from converter.errors import ConversionError  # noqa: PLC0415 - importable only after require()

    try:
        return source.read().check_value()
    except ConversionError:
        return "(missing)"
