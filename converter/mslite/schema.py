"""The generated `.ms` bindings by name: tables, fields, enums; one module per table, loaded when a model uses it."""

from __future__ import annotations

import importlib
import keyword
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from converter._generated.ms_fields import PRIMITIVE_TYPES, TABLES
from converter.ops.lite_fields import defaults, is_inline

if TYPE_CHECKING:
    from types import ModuleType

    from flatbuffers import Builder

    from converter.ir import Attr

__all__ = ["IDENTIFIER", "PRIMITIVE_NAMES", "PRIMITIVE_TYPES", "TABLES", "defaults"]

IDENTIFIER = b"MSL2"
PRIMITIVE_NAMES = {ordinal: name for name, ordinal in PRIMITIVE_TYPES.items()}
VECTOR_TYPES = {
    "byte": np.dtype("i1"),
    "ubyte": np.dtype("u1"),
    "bool": np.dtype("?"),
    "int": np.dtype("<i4"),
    "uint": np.dtype("<u4"),
    "long": np.dtype("<i8"),
    "float": np.dtype("<f4"),
}


@cache
def module(table: str) -> ModuleType:
    """The generated module of one table."""
    return importlib.import_module(f"converter._generated.ms.{table}")


def camel(field: str) -> str:
    """The spelling of a field in the generated functions: `kernel_size` is `KernelSize`."""
    return "".join(part[:1].upper() + part[1:] for part in field.split("_"))


def accessor_name(field: str) -> str:
    """The reading method of a field; the generator escapes what looks like a keyword (`Global_`)."""
    name = camel(field)
    return f"{name}_" if keyword.iskeyword(name.lower()) else name


def write_table(builder: Builder, table: str, values: dict[str, Any]) -> int:
    """Write one table; vectors, strings and nested tables first, as FlatBuffers demands. Returns its offset.

    Fields are written in the order of the schema, so the bytes do not depend on the order of `values`.

    A value is a number, a string, a sequence of numbers, a sequence of sequences (`Vec2D`), or an int offset for a
    table or vector that is already written. `KeyError` names a field that the table does not have.
    """
    generated = module(table)
    ready: list[tuple[str, Any]] = []
    place = {field: index for index, field in enumerate(TABLES[table])}
    for field in sorted(values, key=place.__getitem__):
        value, (kind, _) = values[field], TABLES[table][field]
        if value is not None:
            ready.append((field, value if is_inline(kind) else _write_indirect(builder, kind, value)))
    getattr(generated, f"{table}Start")(builder)
    for field, value in ready:
        getattr(generated, f"{table}Add{accessor_name(field)}")(builder, value)
    return int(getattr(generated, f"{table}End")(builder))


def write_primitive(builder: Builder, op: str, attrs: dict[str, Any]) -> int:
    """Write an operator's table and the union around it."""
    table = write_table(builder, op, attrs)
    generated = module("Primitive")
    generated.PrimitiveStart(builder)
    generated.PrimitiveAddValueType(builder, PRIMITIVE_TYPES[op])
    generated.PrimitiveAddValue(builder, table)
    return int(generated.PrimitiveEnd(builder))


def _write_indirect(builder: Builder, kind: str, value: Any) -> int:  # noqa: ANN401 - whatever the schema field holds
    """Write what a field refers to and return its offset; an int already is one."""
    if isinstance(value, int):
        return value
    if kind == "string":
        return int(builder.CreateSharedString(value))
    if kind == "Vec2D":
        rows = [write_table(builder, "Vec", {"data": row}) for row in value]
        return write_table(builder, "Vec2D", {"data": offset_vector(builder, rows)})
    return int(builder.CreateNumpyVector(np.asarray(value, dtype=VECTOR_TYPES[kind.strip("[]")])))


def offset_vector(builder: Builder, offsets: list[int]) -> int:
    """Write a vector of references to tables."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def read_table(table: str, accessor: Any) -> dict[str, Attr]:  # noqa: ANN401 - generated classes have no types
    """All fields of a table: numbers with their defaults, vectors and strings where present."""
    values: dict[str, Attr] = {}
    for field, (kind, _) in TABLES[table].items():
        name = accessor_name(field)
        if is_inline(kind):
            values[field] = getattr(accessor, name)()
        elif kind == "string":
            text = getattr(accessor, name)()
            if text is not None:
                values[field] = text.decode("utf-8")
        elif kind == "Vec2D":
            rows = getattr(accessor, name)()
            if rows is not None:
                values[field] = tuple(tuple(rows.Data(i).DataAsNumpy().tolist()) for i in range(rows.DataLength()))
        elif kind.strip("[]") in VECTOR_TYPES and not getattr(accessor, f"{name}IsNone")():
            values[field] = tuple(vector(accessor, name).tolist())
    return values


def vector(accessor: Any, name: str) -> np.ndarray[Any, np.dtype[Any]]:  # noqa: ANN401 - as above
    """A numeric vector field as an array view; empty when absent or of length zero."""
    length = getattr(accessor, f"{name}Length")()
    return getattr(accessor, f"{name}AsNumpy")() if length else np.empty(0, dtype=np.int64)
