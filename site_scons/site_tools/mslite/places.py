"""Where a node's bytes are: variant directories and repositories stand between a name and its file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scons_types import Env, Node

# What stands beside a `.ms`: its record.
RECORD_SUFFIX = ".record.json"


def file_at(env: Env, name: str) -> Node:
    """Return the node of a file by its absolute name, or by its name in the directory of the SConstruct.

    An absolute path is looked up as it is, whatever blanks, '#' or '$' it holds.
    """
    return env.fs.File(os.path.join(env.Dir("#").get_abspath(), name))  # noqa: PTH118 - runs for every model


def real(node: Node) -> Node:
    """Return the node whose file is read.

    A source in a variant directory (copied there or not) is read from its source directory, because the files it
    names lie there; a file that the build makes is read where it was made.
    """
    return (node if node.is_derived() else node.srcnode()).rfile()
