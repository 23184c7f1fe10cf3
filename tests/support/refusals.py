"""Calls that may end well or be refused, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import Problem


def refusals(call: Callable[[], object]) -> tuple[Problem, ...]:
    """The problems that the call raised, none when it ended well; any other exception is the test's failure."""
    try:
        call()
    except ConversionError as failure:
        return failure.problems
    return ()
