"""Form of a row of the MindIR table, and the words the rows are written in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from converter.ir import Attr, Node
    from converter.ops.context import Context

    Convert: TypeAlias = Callable[[Attr], Attr]


class RefusedValueError(ValueError):
    """A value that an attribute has, but that cannot be converted; the message says what can."""


@dataclass(frozen=True)
class AttrRule:
    """What happens to a source attribute: written to `field` after `convert`, only checked when `field` is None."""

    field: str | None
    convert: Convert | None = None

    def apply(self, value: Attr) -> Attr:
        """The value to write. Raises `RefusedValueError`."""
        return value if self.convert is None else self.convert(value)


@dataclass(frozen=True)
class Rule:
    """One MindIR operator. An attribute that is neither in `attrs` nor ignored is a problem.

    `lite` may be empty when the adapter replaces the node by others. `sets` are fields with a value of their own;
    `writes` the inputs that the operator updates in place; `adapter` the function that computes what a row cannot say,
    called with the node renamed and its attributes converted while shapes still are MindIR's. `writes_if` names an
    attribute without which nothing is written.
    """

    lite: str
    attrs: Mapping[str, AttrRule] = field(default_factory=dict)
    sets: Mapping[str, Attr] = field(default_factory=dict)
    writes: tuple[int, ...] = ()
    writes_if: str = ""
    adapter: Callable[[Context, Node], None] | None = None


PAD_MODES: Mapping[Attr, int] = {"pad": 0, "same": 1, "valid": 2, "calculated": 0, 0: 0, 1: 1, 2: 2}
REDUCTIONS: Mapping[Attr, int] = {"sum": 0, "mean": 1, "none": 2, 0: 0, 1: 1, 2: 2}
_QUAD = 4
_PAIR = 2


def keep(*names: str) -> dict[str, AttrRule]:
    """Attributes that go to the fields of the same name."""
    return {name: AttrRule(name) for name in names}


def rename(**fields: str) -> dict[str, AttrRule]:
    """Attributes that go to fields of other names."""
    return {name: AttrRule(target) for name, target in fields.items()}


def ignore(*names: str) -> dict[str, AttrRule]:
    """Attributes that say nothing the device needs: duplicates, hints for other backends."""
    return {name: AttrRule(None) for name in names}


def require(**allowed: tuple[Attr, ...]) -> dict[str, AttrRule]:
    """Attributes of which only these values convert; nothing is written, since the device assumes them."""
    return {name: AttrRule(None, one_of(values)) for name, values in allowed.items()}


def one_of(values: tuple[Attr, ...]) -> Convert:
    """Check that a value is one of those that convert."""

    def check(value: Attr) -> Attr:
        if value not in values:
            shown = " or ".join(repr(item) for item in values if not isinstance(item, int) or isinstance(item, bool))
            raise RefusedValueError(f"only {shown or repr(values[0])} can")
        return value

    return check


def enum(**tables: Mapping[Attr, int]) -> dict[str, AttrRule]:
    """Attributes whose strings stand for numbers; exact or in lower case."""
    return {name: AttrRule(name, from_table(table)) for name, table in tables.items()}


def from_table(table: Mapping[Attr, int]) -> Convert:
    """Look a value up."""

    def convert(value: Attr) -> Attr:
        key = value.lower() if isinstance(value, str) else value
        if key not in table:
            raise RefusedValueError("only " + ", ".join(repr(name) for name in table if isinstance(name, str)) + " can")
        return table[key]

    return convert


def spatial(value: Attr) -> Attr:
    """Height and width of a size: a number is both; of four, the ones of N and C must be 1."""
    if isinstance(value, int):
        return (value, value)
    if isinstance(value, tuple) and len(value) == _QUAD:
        if value[:_PAIR] != (1, 1):
            raise RefusedValueError("only sizes of 1 along N and C can")
        return value[_PAIR:]
    return value


def pair(value: Attr) -> Attr:
    """Height and width of a kernel."""
    return (value, value) if isinstance(value, int) else value


def sized(*names: str) -> dict[str, AttrRule]:
    """Attributes that hold height and width, possibly with N and C in front."""
    return {name: AttrRule(name, spatial) for name in names}


def sequence(value: Attr) -> Attr:
    """A number where the field is a list."""
    return value if isinstance(value, tuple) else (value,)


def listed(*names: str) -> dict[str, AttrRule]:
    """Attributes that become lists."""
    return {name: AttrRule(name, sequence) for name in names}


NCHW_ONLY = require(format=("NCHW", 0), data_format=("NCHW", 0))
