"""Which converter makes the `.ms` files: ours, or the official one (`MSLITE_BACKEND`, `MSLITE_CONVERTER`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import flags, home
from .complaint import complain

if TYPE_CHECKING:
    from .scons_types import Env

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


def flags_text(env: Env) -> str:
    """Return what a signature says about the flags."""
    return flags.official_text(env) if is_official(env) else flags.text(env)


def version_text(env: Env) -> str:
    """Return what a signature says about the converter."""
    if not is_official(env):
        return f"mslite-convert {home.version_text()}"
    from . import official  # noqa: PLC0415 - few builds need it

    return official.version_text(env)
