"""Argv to the value of every flag, by the official rules. No message shows a key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.config.hints import closest, did_you_mean, one_of, shown
from converter.encryption.keys import PLACES
from converter.errors import Problem, Problems
from converter.flags.table import FLAGS, Flag
from converter.flags.usage import placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable

_BY_NAME: dict[str, Flag] = {flag.name: flag for flag in FLAGS}
# An item that is not understood may hold a key.
_LOOKS_LIKE_A_KEY = re.compile(r"[0-9A-Fa-f]{16,}")


@dataclass
class Reader:
    """Collects the value of every flag, and the problems of all items."""

    values: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    reported: set[str] = field(default_factory=set)

    def problem(self, code: str, message: str, hint: str | None = None) -> None:
        """Report what is wrong with an item."""
        self.problems.add(Problem(code, message, hint=hint))

    def read(self, items: list[str]) -> None:
        """Read items up to a bare `--`."""
        pending: Flag | None = None  # a flag without '=', whose value may be the next item
        for item in items:
            if item == "--":
                break
            if pending is not None and not item.startswith("--"):
                value = placeholder(pending) if pending.kind == "key" else shown(item)
                self.problem("E103", f"--{pending.name} has no value", f"write '--{pending.name}={value}'")
                self._value(pending, item)
                pending = None
                continue
            if pending is not None:
                self._no_value(pending)
            pending = None
            if item.startswith("--"):
                pending = self._flag(item)
            else:
                self._no_flag(item)
        if pending is not None:
            self._no_value(pending)

    def _no_flag(self, item: str) -> None:
        name = item.lstrip("-").partition("=")[0]
        meant = closest(name, _BY_NAME)
        hint = "a flag looks like --name=value" if meant is None else self._guess(meant)
        self.problem("E101", f"'{_without_key(item)}' is not a flag", hint)

    def _guess(self, meant: str) -> str:
        """Return the hint for a misspelled flag; it is not missing, too."""
        self.reported.add(meant)
        return f"did you mean '--{meant}'?"

    def _flag(self, item: str) -> Flag | None:
        """Read `--name`, `--name=value` or `--no-name`; return the flag when its value is still to come."""
        name, equals, value = item[2:].partition("=")
        is_negated = name.startswith("no-")
        flag = _BY_NAME.get(name.removeprefix("no-"))
        if flag is None:
            meant = closest(name, _BY_NAME)
            hint = None if meant is None else self._guess(meant)
            self.problem("E101", f"unknown flag '--{_without_key(name)}'", hint)
        elif flag.kind == "switch":
            self._switch(flag, value, is_negated=is_negated)
        elif is_negated:
            self.problem("E101", f"'--{name}': --{flag.name} takes a value", _negation_hint(flag))
        elif equals:
            self._value(flag, value)
        else:
            return flag
        return None

    def _no_value(self, flag: Flag) -> None:
        self.reported.add(flag.name)
        self.problem("E103", f"--{flag.name} has no value", f"write '--{flag.name}={placeholder(flag)}'")

    def _switch(self, flag: Flag, value: str, *, is_negated: bool) -> None:
        if is_negated and value:
            self.problem("E103", f"'--no-{flag.name}' takes no value")
        elif value not in {"", "true", "false"}:
            self.problem("E103", f"--{flag.name}: '{shown(value)}' is not 'true' or 'false'")
        self._keep(flag, "false" if is_negated else value or "true")

    def _value(self, flag: Flag, value: str) -> None:
        self._keep(flag, value)
        # The official converter takes a chip's name after this one value.
        spelling = "ascend_oriented" if value.startswith("ascend_oriented:") else value
        if flag.values and spelling != flag.default and spelling not in flag.values:
            hint = did_you_mean(value, flag.values)
            self.problem("E103", f"--{flag.name}: '{shown(value)}' is not {one_of(flag.values)}", hint)
        elif not flag.accepts(value) and not (flag.is_required and not value):
            message = f"--{flag.name}={shown(value)} is not supported: {flag.status}"
            self.problem("E105", message, _way_out(flag))

    def _keep(self, flag: Flag, value: str) -> None:
        if flag.name in self.values:
            self.problem("E102", f"--{flag.name} is given twice", "the official converter takes each flag once")
        self.values.setdefault(flag.name, value)

    def require(self, values: dict[str, str]) -> None:
        """Report the required flags that are missing or empty, unless that has been said already."""
        for flag in FLAGS:
            if flag.is_required and not values[flag.name] and flag.name not in self.reported:
                self.problem("E104", f"--{flag.name} is missing", f"add '--{flag.name}={placeholder(flag)}'")


def given_keys(arguments: Iterable[str]) -> list[str]:
    """Values of flags of keys that are no place where a key is, right or wrong."""
    names = tuple(f"--{flag.name}=" for flag in FLAGS if flag.kind == "key")
    given = [item.strip().partition("=")[2] for item in arguments if item.strip().startswith(names)]
    return [value for value in given if value and not value.startswith(PLACES)]


def _without_key(text: str) -> str:
    return _LOOKS_LIKE_A_KEY.sub("...", shown(text))


def _negation_hint(flag: Flag) -> str | None:
    off = {"true": "false", "on": "off"}.get(flag.values[0]) if flag.values else None
    return None if off is None else f"write '--{flag.name}={off}'"


def _way_out(flag: Flag) -> str:
    """Say which values convert."""
    honored = [value for value in dict.fromkeys((*flag.accepted, flag.default)) if value]
    if not honored:
        return f"leave out '--{flag.name}'"
    leave = "" if flag.is_required else ", or leave it out"
    return "use " + one_of(f"--{flag.name}={value}" for value in honored) + leave
