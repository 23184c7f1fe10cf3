"""Actions with a signature text of their own.

SCons's signature of a Python action is the bytecode of one function: blind to the modules it calls, and different on
every Python. Here the text says what matters and nothing else, and `--debug=explain` prints it, old and new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import SCons.Action
from SCons.Errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scons_types import Env, Executor, Nodes

    Run = Callable[..., object]
    Describe = Callable[[Nodes, Nodes, Env], str]


def _nothing() -> None:
    """Stand for the function that runs."""


class SignedAction(SCons.Action.FunctionAction):  # type: ignore[misc]  # SCons is not typed
    """Run `run(target, source, env)`; a target is rebuilt when `describe(target, source, env)` changes.

    Args:
        run: Does the work; returns None, or a BuildError to fail with.
        describe: Gives the signature text; no absolute path and nothing that depends on the Python may be in it.
        announce: Gives the line that is shown before the action runs, or None for a silent one.
    """

    def __init__(self, run: Run, describe: Describe, announce: Describe | None = None) -> None:
        """Remember the three functions."""
        # SCons takes a function's bytecode to pieces here, and nobody asks for them: it gets the shortest one.
        super().__init__(_nothing, {"cmdstr": None})
        self.execfunction = run
        self._describe = describe
        self._announce = announce

    def get_presig(self, target: Nodes, source: Nodes, env: Env, executor: Executor = None) -> bytes:  # noqa: ARG002
        """Return the signature text, for SCons's comparison and for the key of `CacheDir`."""
        return self._text(target, source, env).encode()

    def genstring(self, target: Nodes, source: Nodes, env: Env, executor: Executor = None) -> str:  # noqa: ARG002
        """Return the same text, for people."""
        return self._text(target, source, env)

    def _text(self, target: Nodes, source: Nodes, env: Env) -> str:
        """Describe once; SCons keeps what `get_presig` returned in the same place, and forgets it at the same time."""
        # SCons takes the executor away from one target of several after the other.
        executors = [node.executor for node in target if getattr(node, "executor", None) is not None]
        if not executors:
            return self._describe(target, source, env)
        known: dict[str, str] = executors[0]._memo  # noqa: SLF001 - what lives longer would be stale
        key = f"mslite {id(self)}"
        if key not in known:
            known[key] = self._describe(target, source, env)
        return known[key]

    def strfunction(self, target: Nodes, source: Nodes, env: Env, executor: Executor = None) -> str | None:  # noqa: ARG002
        """Return the line to show, or None."""
        return self._announce(target, source, env) if self._announce else None

    def execute(self, target: Nodes, source: Nodes, env: Env, executor: Executor = None) -> object:
        """Run; a failure is reported once, under the name of the first target."""
        failure = super().execute(target, source, env, executor=executor)
        if isinstance(failure, BuildError) and isinstance(failure.node, list):
            failure.node = failure.node[0]
        return failure


def failed(message: str) -> BuildError:
    """Return the failure `scons: *** [target] message`."""
    return BuildError(errstr=message, status=2, exitstatus=2)


def is_dry_run() -> bool:
    """Whether SCons only shows what it would do (`-n`)."""
    return not SCons.Action.execute_actions
