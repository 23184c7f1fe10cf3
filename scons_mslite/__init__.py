"""The SCons tool `mslite`, installed with pip: where it lies, and how a host that owns its environment takes it.

env = Environment(tools=["default", "mslite"], toolpath=[scons_mslite.toolpath()])
env = scons_mslite.apply(env)  # an environment that is there already: RT-Thread, PlatformIO
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["apply", "toolpath"]

_HERE = Path(__file__).resolve().parent


def toolpath() -> str:
    """Return the directory for `toolpath=`: that of the installed tool, or of the checkout."""
    installed = _HERE / "site_tools"
    return str(installed if installed.is_dir() else _HERE.parent / "site_scons" / "site_tools")


def apply(env: Any) -> Any:  # noqa: ANN401 - SCons has no types
    """Give `env` the tool unless it has it; return `env`."""
    if not hasattr(env, "MSLiteModel"):
        env.Tool("mslite", toolpath=[toolpath()])
    return env
