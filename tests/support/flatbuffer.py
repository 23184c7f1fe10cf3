"""A FlatBuffers verifier for `.ms` files that reads bytes by the schema alone, without the library that wrote them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from converter._generated.ms_fields import ENUMS, PRIMITIVE_TYPES, TABLES
from support.zoo import ROOT

_SIZES = {"byte": 1, "ubyte": 1, "bool": 1, "int": 4, "uint": 4, "float": 4, "long": 8, "double": 8}
_SCHEMA = (ROOT / "converter" / "_generated" / "ms.fbs").read_text(encoding="utf-8")
_SIZES.update({name: _SIZES[kind] for name, kind in re.findall(r"^enum (\w+): (\w+)", _SCHEMA, re.MULTILINE)})
_UNION = "PrimitiveType"
_NAMES = {ordinal: name for name, ordinal in PRIMITIVE_TYPES.items()}


@dataclass
class Verifier:
    """Walks every table; `visited` counts them by name, `vectors` are (position, length) of each `Tensor.data`."""

    data: bytes
    visited: dict[str, int] = field(default_factory=dict)
    vectors: list[tuple[int, int]] = field(default_factory=list)

    def run(self) -> None:
        """Check the whole file; AssertionError says what is wrong."""
        assert self.data[4:8] == b"MSL2"
        assert len(self.data) % 8 == 0
        self.table(self.number("<I", 0), "MetaGraph")

    def number(self, kind: str, at: int) -> int:
        size = struct.calcsize(kind)
        assert 0 <= at <= len(self.data) - size, f"{at} is outside the file"
        assert at % size == 0, f"the number at {at} is not aligned to {size}"
        return int(struct.unpack_from(kind, self.data, at)[0])

    def table(self, at: int, name: str) -> None:
        """One table: its vtable, then every field that is there."""
        self.visited[name] = self.visited.get(name, 0) + 1
        vtable = at - self.number("<i", at)
        size, inline = self.number("<H", vtable), self.number("<H", vtable + 2)
        assert size >= 4
        assert size % 2 == 0
        assert at + inline <= len(self.data)
        slots = [slot for each, (kind, _) in TABLES[name].items() for slot in self.slots(each, kind)]
        assert (size - 4) // 2 <= len(slots), f"{name} has a field that the schema does not know"
        present: dict[str, int] = {}
        for index, (each, kind) in enumerate(slots[: (size - 4) // 2]):
            offset = self.number("<H", vtable + 4 + 2 * index)
            if offset:
                assert offset < inline, f"{name}.{each} lies outside its table"
                present[each] = at + offset
                self.field(name, each, kind, present)

    @staticmethod
    def slots(name: str, kind: str) -> list[tuple[str, str]]:
        return [(f"{name}_type", "ubyte"), (name, _UNION)] if kind == _UNION else [(name, kind)]

    def field(self, table: str, name: str, kind: str, present: dict[str, int]) -> None:
        at = present[name]
        if kind in _SIZES:
            assert at % _SIZES[kind] == 0, f"{table}.{name} is not aligned"
            return
        target = at + self.number("<I", at)
        if kind == _UNION:
            self.table(target, _NAMES[self.data[present[f"{name}_type"]]])
        elif kind == "string":
            self.string(target)
        elif kind.startswith("["):
            self.vector(target, kind.strip("[]"), is_tensor_data=(table, name) == ("Tensor", "data"))
        else:
            self.table(target, kind)

    def string(self, at: int) -> None:
        length = self.number("<I", at)
        text = self.data[at + 4 : at + 4 + length]
        assert len(text) == length
        assert self.data[at + 4 + length] == 0, "a string does not end with zero"
        text.decode("utf-8")

    def vector(self, at: int, kind: str, *, is_tensor_data: bool) -> None:
        length = self.number("<I", at)
        if kind in _SIZES or kind in ENUMS:
            size = _SIZES[kind]
            assert (at + 4) % size == 0 or not length, f"a vector of {kind} is not aligned"
            assert at + 4 + length * size <= len(self.data), "a vector ends outside the file"
            if is_tensor_data:
                self.vectors.append((at + 4, length))
            return
        for index in range(length):
            place = at + 4 + 4 * index
            self.table(place + self.number("<I", place), kind)
