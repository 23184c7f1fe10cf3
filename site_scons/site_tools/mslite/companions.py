"""The targets beside the alias `models`: models-verify, models-report, models-help. Each is loaded when it runs.

`scons help models` is another way to ask for the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import SCons.Script

from .signed import SignedAction

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Node, Nodes


def declare_companions(env: Env, manifest: Node, alias: str) -> None:
    """Declare what else can be asked for about the models of a manifest."""
    env.AlwaysBuild(env.Alias(f"{alias}-verify", manifest, _VERIFY))
    env.AlwaysBuild(env.Alias(f"{alias}-report", manifest, _REPORT))
    if env.GetOption("clean"):
        from . import report  # noqa: PLC0415 - see above

        env.Clean(manifest, report.pages(env, manifest))
    name = f"{alias}-help"
    if env.ans.lookup(name) is None:
        env.AlwaysBuild(env.Alias(name, [], _HELP))
    if ["help", alias] == SCons.Script.COMMAND_LINE_TARGETS:
        SCons.Script.BUILD_TARGETS[:] = [name]


def _verify(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    from . import verify  # noqa: PLC0415 - see above

    return verify.verify(target, source, env)


def _report(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    from . import report  # noqa: PLC0415 - see above

    return report.report(target, source, env)


def _announce_report(target: Nodes, source: Nodes, env: Env) -> str:
    from . import report  # noqa: PLC0415 - see above

    return report.announce(target, source, env)


def _print_help(target: Nodes, source: Nodes, env: Env) -> None:  # noqa: ARG001 - SCons calls it by these names
    from . import variables  # noqa: PLC0415 - see above

    print(variables.help_text())  # noqa: T201 - what the user asked for


_VERIFY = SignedAction(_verify, lambda *_: "mslite-verify")
_REPORT = SignedAction(_report, lambda *_: "mslite-report", _announce_report)
_HELP = SignedAction(_print_help, lambda *_: "mslite-help")
