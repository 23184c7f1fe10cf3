"""Names for what SCons hands to the tool: SCons has no types, these say what is meant."""

from __future__ import annotations

from typing import Any

Env = Any  # SCons.Environment: construction variables and methods
Node = Any  # SCons.Node: a file of the build
Nodes = Any  # a list of nodes, as SCons makes them
Executor = Any  # SCons.Executor
