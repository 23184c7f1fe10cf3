"""A stand-in for RT-Thread's tools/building.py: its calling convention and the order of its steps, nothing else.

It is written for this sample, so that the sample builds where no checkout of RT-Thread is; set RTT_ROOT to build with
the real scripts. The same as there: the names, `Env` as a global that the board's SConstruct hands over, options read
from rtconfig.h, the groups' duplicate sources removed through a set, SConscript files read with variant_dir='build'
and duplicate=0, sources compiled group by group with the flags of all groups.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from SCons.Script import *  # noqa: F403 - SConscript files of RT-Thread get SCons's names through this module

Env: Any = None
Rtt_Root = ""
BuildOptions: dict[str, str] = {}
Projects: list[dict[str, Any]] = []

_DEFINED = re.compile(r"^\s*#define\s+(\w+)(?:\s+(.*?))?\s*$", re.MULTILINE)


def PrepareBuilding(env: Any, root_directory: str, has_libcpu: bool = False, remove_components: Any = ()) -> list[Any]:  # noqa: ANN401, ARG001, N802
    """Remember the environment and the options, and read the board's SConscript; return its objects."""
    global Env, Rtt_Root  # noqa: PLW0603 - this module's state is its interface
    Env, Rtt_Root = env, os.path.abspath(root_directory)
    BuildOptions.update(_DEFINED.findall(Path("rtconfig.h").read_text(encoding="utf-8")))
    Export("env")  # noqa: F405
    return list(SConscript("SConscript", variant_dir="build", duplicate=0))  # noqa: F405


def GetDepend(depend: str | list[str]) -> bool:  # noqa: N802
    """Whether all these options are defined; an empty name always is."""
    names = [depend] if isinstance(depend, str) else depend
    return all(not name or name in BuildOptions for name in names)


def GetCurrentDir() -> str:  # noqa: N802
    """Return the source directory of the SConscript that is being read."""
    directory: str = Dir(".").srcnode().abspath  # noqa: F405
    return directory


def DefineGroup(name: str, src: list[Any], depend: str | list[str], **parameters: Any) -> list[Any]:  # noqa: ANN401, N802
    """Declare a component; return its sources as nodes."""
    if not GetDepend(depend):
        return []
    paths = [os.path.abspath(path) for path in parameters.pop("CPPPATH", [])]
    Env.AppendUnique(CPPPATH=paths, **parameters)
    # The order of a set of nodes is that of their addresses; so it is with the real scripts.
    nodes = File(list(set(src)))  # noqa: F405
    Projects.append({"name": name, "src": nodes})
    return list(Env.Object(nodes))


def DoBuilding(target: str, objects: list[Any]) -> None:  # noqa: N802
    """Link the objects, sorted by name."""
    Default(Env.Program(target, sorted(objects, key=str)))  # noqa: F405
