"""Which converter makes the `.ms` files: ours, or the official one (`MSLITE_BACKEND`, `MSLITE_CONVERTER`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import flags, home, settings
from .complaint import complain

if TYPE_CHECKING:
    from .scons_types import Env
    from .settings import Settings

_BACKENDS = ("mslite", "converter_lite")


def is_official(env: Env) -> bool:
    """Whether the official converter is asked for; UserError for a backend that does not exist."""
    name = env.get("MSLITE_BACKEND") or _BACKENDS[0]
    if name not in _BACKENDS:
        raise complain(f"MSLITE_BACKEND is {name!r}; use 'mslite' or 'converter_lite'")
    return bool(name == _BACKENDS[1])


def check(env: Env) -> None:
    """Complain about variables that cannot be used, when a model is declared."""
    flags_text(env)
    if is_official(env):
        from . import official  # noqa: PLC0415 - few builds need it

        official.program(env)


def settings_of(env: Env) -> Settings:
    """Return what the config of a model says, as its converter will read it."""
    return settings.read(env, is_official=is_official(env))


def flags_text(env: Env) -> str:
    """Return the flags as on a command line."""
    return " ".join(flags.official_words(env)) if is_official(env) else str(flags.read(env))


def version_text(env: Env) -> str:
    """Return what a signature says about the converter."""
    if not is_official(env):
        return f"mslite-convert {home.version_text()}"
    from . import official  # noqa: PLC0415 - few builds need it

    return official.version_text(env)
