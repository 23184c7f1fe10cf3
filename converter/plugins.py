"""Passes of other packages: entry points of the group `mslite.passes`, each a `Pass` or a tuple of them.

A plugin's pass stands right behind the last of the passes that its `after` names, so that it can rewrite operators of
MindIR before they are adapted (after `narrow-types`) as well as Lite operators (after `fold-constants`, say).
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from converter.errors import Problem, Problems
from converter.passes.base import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import EntryPoint

GROUP = "mslite.passes"
_HINT = "repair or uninstall the package that brings it"


def with_plugins(pipeline: Sequence[Pass]) -> Sequence[Pass]:
    """The pipeline with the passes of all installed plugins.

    Raises `ConversionError` E902 with every plugin that cannot be used.
    """
    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    if not found:
        return pipeline
    problems = Problems()
    passes = list(pipeline)
    for entry in found:
        for each in _passes(entry, problems):
            _insert(passes, each, entry, problems)
    problems.raise_if_any()
    return tuple(passes)


def _passes(entry: EntryPoint, problems: Problems) -> Iterator[Pass]:
    """What an entry point holds."""
    try:
        loaded = entry.load()
    except Exception as problem:  # noqa: BLE001 - importing runs any code; whatever it raises is told
        message = f"the plugin {_described(entry)} cannot be loaded: {type(problem).__name__}: {problem}"
        problems.add(Problem("E902", message, hint=_HINT))
        return
    for each in loaded if isinstance(loaded, tuple) else (loaded,):
        if isinstance(each, Pass):
            yield each
        else:
            message = f"the plugin {_described(entry)} is a {type(each).__name__}, not a Pass or a tuple of them"
            problems.add(Problem("E902", message, hint=_HINT))


def _insert(passes: list[Pass], new: Pass, entry: EntryPoint, problems: Problems) -> None:
    """Put a pass behind all that it must follow."""
    names = [each.name for each in passes]
    unknown = [name for name in new.after if name not in names]
    if new.name in names or unknown:
        wrong = f"follows {unknown[0]!r}, which is no pass" if unknown else "has the name of another pass"
        message = f"the pass {new.name!r} of the plugin {_described(entry)} {wrong}"
        problems.add(Problem("E902", message, hint=_HINT))
        return
    place = max((names.index(name) + 1 for name in new.after), default=0)
    passes.insert(place, new)


def _described(entry: EntryPoint) -> str:
    package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
    return f"{entry.name!r}{package}"
