"""`MSLITE_FLASH_BUDGET` and `MSLITE_RAM_BUDGET`: what the models of a firmware may take."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .complaint import complain
from .embed_text import largest_first

if TYPE_CHECKING:
    from .scons_types import Env

_SIZE = re.compile(r"(\d+)\s*([KM]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}
_STEPS = ("inference", "training")


@dataclass(frozen=True)
class Budgets:
    """Bytes; None is no limit. Flash is for all models together, RAM for one step of one model."""

    flash: int | None = None
    inference: int | None = None
    training: int | None = None

    def __str__(self) -> str:
        """Return the limits that there are."""
        limits = {"flash": self.flash, "inference": self.inference, "training": self.training}
        return " ".join(f"{name}={limit}" for name, limit in limits.items() if limit is not None)


def read(env: Env) -> Budgets:
    """Return the budgets of a construction environment; UserError for one that is no size."""
    ram = env.get("MSLITE_RAM_BUDGET")
    by_step = ram if isinstance(ram, dict) else dict.fromkeys(_STEPS, ram)
    unknown = set(by_step) - set(_STEPS)
    if unknown:
        raise complain(f"MSLITE_RAM_BUDGET has {sorted(unknown)}; its keys are 'inference' and 'training'")
    limits = {step: _bytes("MSLITE_RAM_BUDGET", by_step.get(step)) for step in _STEPS}
    return Budgets(_bytes("MSLITE_FLASH_BUDGET", env.get("MSLITE_FLASH_BUDGET")), **limits)


def _bytes(name: str, value: object) -> int | None:
    """Read a size as it may come from SConstruct or from the command line."""
    if value is None or value == "":
        return None
    match = _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise complain(f"{name} is {value!r}; use a number of bytes, or text like '256K' or '1M'")
    return int(match[1]) * _UNITS[match[2].upper()]


def exceeded(budgets: Budgets, models: list[tuple[str, dict[str, Any]]]) -> str | None:
    """Return the message of everything that is too large, None when all fits."""
    problems = [*_flash(budgets, models), *_ram(budgets, models)]
    return "\n".join(problems) or None


def _flash(budgets: Budgets, models: list[tuple[str, dict[str, Any]]]) -> list[str]:
    taken = sum(int(record["bytes"]) for _, record in models)
    if budgets.flash is None or taken <= budgets.flash:
        return []
    message = f"error[E502]: the models take {taken} bytes of flash, MSLITE_FLASH_BUDGET allows {budgets.flash}"
    lines = [f"  {size:>10} bytes  {path}" for path, size in largest_first(models)]
    return ["\n".join([message, *lines, "   hint: quantize the largest ones, or raise the budget"])]


def _ram(budgets: Budgets, models: list[tuple[str, dict[str, Any]]]) -> list[str]:
    problems = []
    for path, record in models:
        if record["memory"] is None:
            if (budgets.inference, budgets.training) != (None, None):
                sys.stderr.write(
                    f"{path}: warning: how much RAM it takes is not known, MSLITE_RAM_BUDGET not checked\n"
                )
            continue
        for step, limit in (("inference", budgets.inference), ("training", budgets.training)):
            taken = record["memory"][step]
            if limit is not None and taken is not None and taken > limit:
                what = "a training step takes" if step == "training" else "inference takes"
                problems.append(
                    f"{path}: error[E502]: {what} at least {taken} bytes of RAM, MSLITE_RAM_BUDGET allows {limit}"
                )
    return problems
