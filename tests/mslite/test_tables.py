"""The bytes of our tables are those of Google's builder driven by the generated functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from flatbuffers import Builder
from hypothesis import given
from hypothesis import strategies as st

from converter._generated.ms_fields import PRIMITIVE_TYPES, TABLES
from converter.mslite.schema import VECTOR_TYPES, accessor_name, module
from converter.mslite.tables import TableWriter
from converter.ops.lite_fields import is_inline

if TYPE_CHECKING:
    from collections.abc import Sequence

OPERATORS = sorted(set(PRIMITIVE_TYPES) - {"NONE"})
RANGES = {"long": 63, "int": 31, "uint": 32, "byte": 7, "ubyte": 8}


class Reference:
    """The same calls, by the generated functions."""

    def __init__(self) -> None:
        self.builder = Builder(0)

    def table(self, name: str, values: dict[str, Any]) -> int:
        ready = []
        for field, (kind, _) in TABLES[name].items():
            value = values.get(field)
            if value is not None:
                ready.append((field, value if is_inline(kind) else self.indirect(kind, value)))
        getattr(module(name), f"{name}Start")(self.builder)
        for field, value in ready:
            getattr(module(name), f"{name}Add{accessor_name(field)}")(self.builder, value)
        return int(getattr(module(name), f"{name}End")(self.builder))

    def indirect(self, kind: str, value: Any) -> int:  # noqa: ANN401 - whatever the field holds
        if isinstance(value, int):
            return value
        if kind == "string":
            return int(self.builder.CreateSharedString(value))
        if kind == "Vec2D":
            return self.table("Vec2D", {"data": self.references([self.table("Vec", {"data": row}) for row in value])})
        return self.numbers(kind.strip("[]"), value)

    def numbers(self, kind: str, values: Sequence[Any]) -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(list(values), VECTOR_TYPES[kind])))

    def primitive(self, op: str, attrs: dict[str, Any]) -> int:
        table = self.table(op, attrs)
        primitive = module("Primitive")
        primitive.PrimitiveStart(self.builder)
        primitive.PrimitiveAddValueType(self.builder, PRIMITIVE_TYPES[op])
        primitive.PrimitiveAddValue(self.builder, table)
        return int(primitive.PrimitiveEnd(self.builder))

    def references(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def finish(self, root: int, identifier: bytes) -> bytes:
        self.builder.Finish(root, identifier)
        return bytes(self.builder.Output())


def numbers(kind: str) -> st.SearchStrategy[Any]:
    if kind in RANGES:
        least = 0 if kind.startswith("u") else -(1 << RANGES[kind])
        return st.integers(least, (1 << RANGES[kind]) - 1)
    if kind in ("float", "double"):
        return st.floats(width=32, allow_nan=False)
    return st.booleans() if kind == "bool" else st.integers(0, 6)


def values_of(kind: str) -> st.SearchStrategy[Any]:
    if is_inline(kind):
        return numbers(kind)
    if kind == "string":
        return st.text(max_size=11)
    rows = st.lists(numbers("long"), max_size=5)
    return st.lists(rows, max_size=3) if kind == "Vec2D" else st.lists(numbers(kind.strip("[]")), max_size=7)


def tables_of(name: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    known = {
        field: values_of(kind) for field, (kind, _) in TABLES[name].items() if not kind.strip("[]").startswith("Attri")
    }
    return st.tuples(st.just(name), st.fixed_dictionaries({}, optional=known))


def written(writer: TableWriter | Reference, operators: list[tuple[str, dict[str, Any]]]) -> bytes:
    nodes = []
    for number, (op, attrs) in enumerate(operators):
        fields = {"name": f"{op}-{number}" if number % 3 else None, "primitive": writer.primitive(op, attrs)}
        nodes.append(writer.table("CNode", {**fields, "inputIndex": range(number % 5), "quantType": number % 2}))
    quant = writer.table("QuantParam", {"scale": 0.5, "zeroPoint": -7, "varCorr": 1.0})
    tensor = writer.table("Tensor", {"dims": [2, 3], "data": writer.numbers("ubyte", b"abc"), "dataType": 43})
    other = writer.table("Tensor", {"quantParams": writer.references([quant]), "name": "größe", "format": 1})
    lists = {"nodes": writer.references(nodes), "allTensors": writer.references([tensor, other])}
    return writer.finish(writer.table("MetaGraph", {"version": "1", **lists}), b"MSL2")


@given(st.lists(st.sampled_from(OPERATORS).flatmap(tables_of), max_size=7))
def test_bytes_are_those_of_the_generated_functions(operators: list[tuple[str, dict[str, Any]]]) -> None:
    assert written(TableWriter(), operators) == written(Reference(), operators)


def test_equal_tables_share_their_layout() -> None:
    one, many = (len(written(TableWriter(), [("Abs", {})] * count)) for count in (4, 44))
    assert many - one <= 40 * 60
