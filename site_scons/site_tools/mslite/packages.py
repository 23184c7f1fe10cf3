"""`MSLITE_DEPS_IN_KEY`: the versions of the packages that convert may belong to the signature.

Nobody has seen the bytes depend on them; a team that must prove where bytes come from asks for it.
"""

from __future__ import annotations

import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING

from .flags import is_true

if TYPE_CHECKING:
    from .scons_types import Env

_NAMES = ("flatbuffers", "numpy", "protobuf")
_PROGRAM = """\
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in NAMES), end="")
"""


def versions_text(env: Env) -> str:
    """Return `flatbuffers 25.12.19 numpy 2.3.5 protobuf 6.33.1` where they are asked for."""
    return _versions(str(env["MSLITE_PYTHON"])) if is_true(env, "MSLITE_DEPS_IN_KEY") else ""


@lru_cache(maxsize=4)
def _versions(python: str) -> str:
    command = [python, "-c", f"NAMES = {_NAMES!r}\n{_PROGRAM}"]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - the user's choice
    return ran.stdout if ran.returncode == 0 else "(packages missing)"
