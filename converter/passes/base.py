"""What a pass is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import TypeAlias

from converter.ir import Model


class Modes(Flag):
    """Conversions that a pass takes part in."""

    INFERENCE = auto()
    TRAINING = auto()
    BOTH = INFERENCE | TRAINING


Run: TypeAlias = Callable[[Model], bool]


@dataclass(frozen=True)
class Pass:
    """A named change of a model. `run` returns whether it changed anything; its docstring is the pass's.

    `after` names passes that must have run before, wherever the pass stands in the pipeline. A pass that is not
    `optional` cannot be skipped: without it the file would not run. A pass that `is_fusion` is left out when the user
    asks for no optimization; neighbors that are run again together until none of them changes anything. `official` are
    the passes of the official converter that it stands in for: users blacklist them by those names.
    """

    name: str
    run: Run
    modes: Modes = Modes.BOTH
    after: tuple[str, ...] = ()
    optional: bool = False
    is_fusion: bool = False
    official: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """First line of the documentation."""
        return (self.run.__doc__ or "").strip().splitlines()[0]
