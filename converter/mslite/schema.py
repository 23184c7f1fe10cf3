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
