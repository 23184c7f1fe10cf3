"""What the tables of settings are made of: one `Section` per `[name]`, one `Key` per row.

Names, types, ranges and defaults are those of the official converter; `refusal` says what this converter lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Value = str | bool | int | float | tuple[str, ...] | tuple[float, ...] | tuple[tuple[str, str], ...]

Kind = Literal[
    "choice",
    "bool",
    "int",
    "float",
    "floats",
    "names",
    "text",
    "place",  # a path that is written to: neither an input nor required to exist
    "file",
    "files",
    "directory",
    "calibration",
]


@dataclass(frozen=True)
class Key:
    """One setting.

    `low` and `high` bound a number, inclusive unless `is_open`. With a `refusal` only the default and the `accepted`
    values convert. A default of None means that the official converter has none.
    """

    name: str
    kind: Kind
    default: Value | None = None
    values: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    is_open: bool = False
    refusal: str = ""
    accepted: tuple[Value, ...] = ()
    changes_output: bool = True
    about: str = ""

    def accepts(self, value: Value) -> bool:
        """Whether this converter honors a value that is spelled correctly."""
        return not self.refusal or value == self.default or value in self.accepted


@dataclass(frozen=True)
class Need:
    """The setting that must have a value before a section has any effect."""

    section: str
    key: str
    value: Value


@dataclass(frozen=True)
class Section:
    """One `[name]`. A free-form section takes any key as text; a repeated one starts a further model each time."""

    name: str
    keys: tuple[Key, ...]
    about: str
    needs: Need | None = None
    refusal: str = ""
    is_free_form: bool = False
    is_repeated: bool = False

    def key(self, name: str) -> Key | None:
        """Return the row of a key, or None where there is no such key."""
        if self.is_free_form:
            return Key(name, "text")
        return next((key for key in self.keys if key.name == name), None)


COMMON = "common_quant_param"
WEIGHT = "weight_quant_param"
DYNAMIC = "dynamic_quant_param"
FULL = "full_quant_param"
MIXED = "mixed_bit_weight_quant_param"
PREPROCESS = "data_preprocess_param"
REGISTRY = "registry"

LARGEST_SIZE = 65535


def texts(*names: str) -> tuple[Key, ...]:
    """Return rows for values that the official converter passes on unread."""
    return tuple(Key(name, "text") for name in names)
