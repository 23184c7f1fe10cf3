"""`MSLITE_TRAIN` and `MSLITE_FLAGS`: the converter's command-line flags as construction variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import home
from .complaint import complain

if TYPE_CHECKING:
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


class Flags(NamedTuple):
    """What the flags ask for; what cannot change the output is left out."""

    train: bool = False
    disable_fusion: bool = False
    skip_passes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the flags as on a command line, without those that have their default."""
        words = ["--trainModel=true"] if self.train else []
        words += ["--optimize=none"] if self.disable_fusion else []
        words += ["--skip-pass=" + ",".join(self.skip_passes)] if self.skip_passes else []
        return " ".join(words)

    def merged(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the canonical options of a config with the flags added."""
        return {
            **options,
            "train": self.train,
            "disable_fusion": self.disable_fusion or options["disable_fusion"],
            "skip_passes": sorted({*self.skip_passes, *options["skip_passes"]}),
        }


def read(env: Env) -> Flags:
    """Return the flags of a construction environment; UserError for one that cannot be used."""
    train = _is_true(env.get("MSLITE_TRAIN", False))
    words = _words(env)
    return _parse(train, words) if words else Flags(train)


def official_words(env: Env) -> list[str]:
    """Return the flags for the official converter, which may know more of them than ours does."""
    words = _words(env)
    _refuse_own(words)
    train = _is_true(env.get("MSLITE_TRAIN", False))
    return [f"--trainModel={str(train).lower()}", *words]


def _words(env: Env) -> list[str]:
    given = env.get("MSLITE_FLAGS") or []
    return env.Split(given) if isinstance(given, str) else [env.subst(str(word)) for word in given]


def _refuse_own(words: list[str]) -> None:
    for word in words:
        name = word.lstrip("-").removeprefix("no-").partition("=")[0]
        if name in _OWN_WAY:
            raise complain(f"MSLITE_FLAGS: --{name} cannot be given here: {_OWN_WAY[name]}")


def _is_true(value: object) -> bool:
    """Read a Boolean as it may come from SConstruct, from `Variables` or from the command line."""
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in _TRUTHS:
        raise complain(f"MSLITE_TRAIN is {value!r}; use True or False")
    return _TRUTHS[value.lower()]


def _parse(train: bool, words: list[str]) -> Flags:
    """Parse flags with the converter's own parser."""
    home.require()
    from converter.errors import ConversionError  # noqa: PLC0415 - importable only after require()
    from converter.flags import parse_flags  # noqa: PLC0415

    _refuse_own(words)
    try:
        parsed = parse_flags(["--fmk=MINDIR", "--modelFile=model.mindir", "--outputFile=model.ms", *words])
    except ConversionError as failure:
        raise complain(f"MSLITE_FLAGS: {failure}") from failure
    return Flags(train, parsed.asked.disable_fusion, tuple(sorted(set(parsed.asked.skip_passes))))
