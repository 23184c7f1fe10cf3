"""Fields of Lite operators by name, from the generated schema table (data only, no FlatBuffers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter._generated.ms_fields import ENUMS, TABLES
from converter.ir import Node, Value
from converter.ir.editing import wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.ir import Attr, Origin

_INLINE = frozenset({"byte", "ubyte", "bool", "int", "uint", "long", "float", "double", *ENUMS})


def is_inline(kind: str) -> bool:
    """Whether a field of this schema type is stored inline: a number, boolean or enum."""
    return kind in _INLINE


def defaults(table: str) -> dict[str, Attr]:
    """Value of every inline field that is not written."""
    return {field: default for field, (kind, default) in TABLES[table].items() if is_inline(kind)}


def lite_node(
    op: str,
    name: str,
    origin: Origin,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    attrs: Mapping[str, Attr] | None = None,
) -> Node:
    """A wired Lite node; attributes that are not given have the schema's defaults."""
    return wire(Node(op, name, origin, attrs={**defaults(op), **(attrs or {})}), inputs, outputs)
