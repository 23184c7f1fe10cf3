"""A progress bar for conversions that take long: on a terminal, where the package tqdm is installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def terminal_progress() -> Callable[[str, int, int], None] | None:
    """Return a function that draws (label, steps done, steps in all) on stderr; None where nobody would see it."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm  # noqa: PLC0415 - an optional package
    except ImportError:
        return None
    bars: dict[str, tqdm[NoReturn]] = {}

    def draw(label: str, done: int, total: int) -> None:
        if label not in bars:
            bars[label] = tqdm(total=total, desc=label, unit="sample", file=sys.stderr)
        bar = bars[label]
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return draw
