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

from SCons.Script import *  # SConscript files of RT-Thread get SCons's names through this module

Env: Any = None
Rtt_Root = ""
BuildOptions: dict[str, str] = {}
Projects: list[dict[str, Any]] = []

_DEFINED = re.compile(r"^\s*#define\s+(\w+)(?:\s+(.*?))?\s*$", re.MULTILINE)


def PrepareBuilding(env: Any, root_directory: str, has_libcpu: bool = False, remove_components: Any = ()) -> list[Any]:
    """Remember the environment and the options, and read the board's SConscript; return its objects."""
    global Env, Rtt_Root  # this module's state is its interface
    Env, Rtt_Root = env, os.path.abspath(root_directory)
    BuildOptions.update(_DEFINED.findall(Path("rtconfig.h").read_text(encoding="utf-8")))
    Export("env")
    return list(SConscript("SConscript", variant_dir="build", duplicate=0))


def GetDepend(depend: str | list[str]) -> bool:
    """Whether all these options are defined; an empty name always is."""
    names = [depend] if isinstance(depend, str) else depend
    return all(not name or name in BuildOptions for name in names)


def GetCurrentDir() -> str:
    """Return the source directory of the SConscript that is being read."""
    directory: str = Dir(".").srcnode().abspath
    return directory


def DefineGroup(name: str, src: list[Any], depend: str | list[str], **parameters: Any) -> list[Any]:
    """Declare a component; return its sources as nodes."""
    if not GetDepend(depend):
        return []
    paths = [os.path.abspath(path) for path in parameters.pop("CPPPATH", [])]
    Env.AppendUnique(CPPPATH=paths, **parameters)
    # The order of a set of nodes is that of their addresses; so it is with the real scripts.
    nodes = File(list(set(src)))
    Projects.append({"name": name, "src": nodes})
    return list(Env.Object(nodes))


def DoBuilding(target: str, objects: list[Any]) -> None:
    """Link the objects, sorted by name."""
    Default(Env.Program(target, sorted(objects, key=str)))
