"""What SCons compares of a conversion: converter, values of the config, flags, what lies in named directories.

Its files are dependencies; this text is the rest, and what `--debug=explain` prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from SCons.Subst import SUBST_RAW

from . import backend, directories, settings
from .signed import is_dry_run

if TYPE_CHECKING:
    from .scons_types import Env, Nodes


def text(env: Env) -> str:
    """Return the signature text of the conversion of a model."""
    words = [
        backend.version_text(env),
        str(settings.read(env)),
        backend.flags_text(env),
        directories_text(env),
        _versions_text(env),
    ]
    return " ".join(word for word in words if word)


def _versions_text(env: Env) -> str:
    """Return the versions of packages where they are asked for."""
    if not env.get("MSLITE_DEPS_IN_KEY"):
        return ""
    from . import packages  # noqa: PLC0415 - few builds ask

    return packages.versions_text(env)


def directories_text(env: Env) -> str:
    """Return what lies in the directories that the config names."""
    named = settings.read(env).directories
    return directories.describe(named, env.Dir("#").get_abspath()) if named else ""


def announce(target: Nodes, source: Nodes, env: Env) -> str:
    """Return the line of a dry run; a real one is announced when size and time are known."""
    return line(target, source, env) if is_dry_run() else ""


def line(target: Nodes, source: Nodes, env: Env) -> str:
    """Return what the user wants to be told about a conversion."""
    return str(env.subst("$MSLITECOMSTR", SUBST_RAW, target, source))
