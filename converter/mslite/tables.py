"""FlatBuffers tables by the schema, back to front, byte for byte as Google's builder lays them out.

Written for large graphs: what a table with these fields looks like is worked out once for each place modulo 8 and is
one `struct` from then on, where the generated functions take a hundred calls for a node.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, pack
from typing import TYPE_CHECKING, Any

from converter._generated.ms_fields import ENUMS, PRIMITIVE_TYPES, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMATS = {"byte": "b", "ubyte": "B", "bool": "?", "int": "i", "uint": "I", "long": "q", "float": "f", "double": "d"}
_WIDE_ENUMS = ("Format", "QuantType", "WeightQuantCompressType")
_SIZES = {"b": 1, "B": 1, "?": 1, "i": 4, "I": 4, "f": 4, "q": 8, "d": 8}
_INLINE = {**_FORMATS, **dict.fromkeys(ENUMS, "b"), **dict.fromkeys(_WIDE_ENUMS, "i")}
_REFERENCE = "I"
_WORD, _UNIT = 4, 8
# Of each table: field -> (slot, kind, format or "" for what is stored elsewhere, default).
_FIELDS = {
    table: {
        name: (slot, kind, _INLINE.get(kind, ""), default)
        for slot, (name, (kind, default)) in enumerate(fields.items())
    }
    for table, fields in TABLES.items()
}
# A union takes two slots: which table, and where.
_FIELDS["Primitive"] = {"value_type": (0, "ubyte", "B", 0), "value": (1, "table", "", None)}


@dataclass(frozen=True)
class _Shape:
    """How a table with certain fields is stored: its numbers, and where each stands when counted from its end."""

    numbers: Struct
    places: tuple[int, ...]
    vtable: bytes
    alignment: int


class TableWriter:
    """Collects a file from its end to its start; an offset is the distance to the end."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._parts: list[bytes] = []
        self._size = 0
        self._alignment = 1
        self._vtables: dict[bytes, int] = {}
        self._strings: dict[str, int] = {}
        self._shapes: dict[tuple[str, tuple[int, ...], int], _Shape] = {}

    def table(self, name: str, values: dict[str, Any]) -> int:
        """Write a table and what it refers to; returns its offset.

        Fields are written in the order of the schema, so the bytes do not depend on the order of `values`. A value is a
        number, a string, a sequence of numbers, a sequence of sequences (`Vec2D`), or an int offset for a table or
        vector that is already written; None and the schema's default are left out. `KeyError` names a field that the
        table does not have.
        """
        known = _FIELDS[name]
        given = sorted((known[field][0], field) for field in values)
        slots: list[int] = []
        numbers: list[Any] = []
        for slot, field in given:
            value, (_, kind, form, default) = values[field], known[field]
            if value is not None and not (form and value == default):
                slots.append(slot)
                numbers.append(value if form else self._indirect(kind, value))
        return self._store(name, tuple(slots), numbers)

    def primitive(self, op: str, attrs: dict[str, Any]) -> int:
        """Write an operator's table and the union around it."""
        table = self.table(op, attrs)
        return self.table("Primitive", {"value_type": PRIMITIVE_TYPES[op], "value": table})

    def references(self, offsets: Sequence[int]) -> int:
        """Write a vector of references to tables."""
        count = len(offsets)
        first = self._size + (-self._size - count * _WORD) % _WORD + count * _WORD
        relative = [first - _WORD * index - offset for index, offset in enumerate(offsets)]
        return self._vector(pack(f"<{count}I", *relative), count, _WORD)

    def string(self, text: str) -> int:
        """Write a string; an equal one is shared."""
        if text not in self._strings:
            data = text.encode("utf-8")
            self._strings[text] = self._vector(data + b"\0", len(data), 1)
        return self._strings[text]

    def numbers(self, kind: str, values: Sequence[Any]) -> int:
        """Write a vector of numbers of a scalar type of the schema."""
        form = _FORMATS[kind]
        return self._vector(pack(f"<{len(values)}{form}", *values), len(values), _SIZES[form])

    def finish(self, root: int, identifier: bytes) -> bytes:
        """The whole file."""
        self._align(max(self._alignment, _WORD), 2 * _WORD)
        self._push(identifier)
        self._push(pack("<I", self._size + _WORD - root))
        return b"".join(reversed(self._parts))

    def _indirect(self, kind: str, value: Any) -> int:  # noqa: ANN401 - whatever the schema field holds
        """Write what a field refers to and return its offset; an int already is one."""
        if isinstance(value, int):
            return value
        if kind == "string":
            return self.string(value)
        if kind == "Vec2D":
            rows = [self.table("Vec", {"data": row}) for row in value]
            return self.table("Vec2D", {"data": self.references(rows)})
        return self.numbers(kind.strip("[]"), value)

    def _store(self, name: str, slots: tuple[int, ...], numbers: list[Any]) -> int:
        """Write the table itself; references are still offsets."""
        start = self._size
        key = name, slots, start % _UNIT
        shape = self._shapes.get(key) or self._shapes.setdefault(key, _shape(name, slots, start % _UNIT))
        stored = [
            start + place - number if place else number for number, place in zip(numbers, shape.places, strict=True)
        ]
        stored.reverse()
        here = start + shape.numbers.size
        seen = self._vtables.get(shape.vtable)
        self._push(shape.numbers.pack(len(shape.vtable) if seen is None else seen - here, *stored))
        if seen is None:
            self._push(shape.vtable)
            self._vtables[shape.vtable] = self._size
        self._alignment = max(self._alignment, shape.alignment)
        return here

    def _vector(self, data: bytes, count: int, alignment: int) -> int:
        self._align(max(alignment, _WORD), len(data))
        self._push(data)
        self._push(pack("<I", count))
        return self._size

    def _align(self, alignment: int, size: int) -> None:
        """Leave a gap, so that what follows ends up aligned; the same as for the file from its start."""
        self._alignment = max(self._alignment, alignment)
        gap = -(self._size + size) % alignment
        if gap:
            self._push(bytes(gap))

    def _push(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)


def _shape(name: str, slots: tuple[int, ...], start: int) -> _Shape:
    """Lay out a table that ends `start` bytes (modulo 8) before the end of the file."""
    forms = {slot: form or _REFERENCE for slot, _, form, _ in _FIELDS[name].values()}
    is_reference = {slot: not form for slot, _, form, _ in _FIELDS[name].values()}
    parts: list[str] = []
    ends: dict[int, int] = {}
    alignment, size = _WORD, start
    for slot in slots:
        width = _SIZES[forms[slot]]
        parts += ["x" * (-size % width), forms[slot]]
        size += -size % width + width
        alignment = max(alignment, width)
        ends[slot] = size - start
    parts += ["x" * (-size % _WORD), "i"]
    size += -size % _WORD + _WORD - start
    entries = [size - ends[slot] if slot in ends else 0 for slot in range(max(slots, default=-1) + 1)]
    vtable = pack(f"<{2 + len(entries)}H", _WORD + 2 * len(entries), size, *entries)
    places = tuple(ends[slot] if is_reference[slot] else 0 for slot in slots)
    return _Shape(Struct("<" + "".join(reversed(parts))), places, vtable, alignment)
