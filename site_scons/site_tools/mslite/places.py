"""Where a node's bytes are: variant directories and repositories stand between a name and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scons_types import Node

# What stands beside a `.ms`: its record.
RECORD_SUFFIX = ".record.json"


def real(node: Node) -> Node:
    """Return the node whose file is read.

    A source in a variant directory (copied there or not) is read from its source directory, because the files it
    names lie there; a file that the build makes is read where it was made.
    """
    return (node if node.is_derived() else node.srcnode()).rfile()
