"""Regenerate the bindings in this folder: `python converter/_generated/generate.py [--schema FILE] [--arguments FILE]`.

Needs `protoc` and `flatc` (from the Debian packages protobuf-compiler and flatbuffers-compiler). `--schema` rewrites `ms.fbs` from a
JSON description of the `.ms` schema first; without it the committed `ms.fbs` is the source.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NAMESPACE = "converter._generated.ms"


def type_text(kind: dict[str, Any]) -> str:
    """A field's type in FlatBuffers schema language."""
    if kind["kind"] == "vector":
        return f"[{kind.get('name') or kind['element']}]"
    return str(kind.get("enum") or kind.get("name") or kind.get("type") or kind["kind"])


def field_text(field: dict[str, Any]) -> str:
    """One field of a table in FlatBuffers schema language; a zero default is left unsaid, as flatc does."""
    kind, default = field["type"], field.get("default_name", field["default"])
    text = f"  {field['name']}: {type_text(kind)}"
    if kind["kind"] == "scalar" and default != 0:
        text += f" = {str(default).lower() if isinstance(default, bool) else default}"
    return text + ";"


def schema_text(schema: dict[str, Any]) -> str:
    """The whole schema file; fields stand in id order, so no id attributes are needed."""
    lines = [
        "// Written by generate.py from the field list of the MindSpore Lite 2.7 schema. Do not edit.",
        f"namespace {NAMESPACE};",
        "",
    ]
    for name, enum in schema["enums"].items():
        members = ", ".join(f"{m['name']} = {m['value']}" for m in enum["members"])
        lines += [f"enum {name}: {enum['underlying_type']} {{ {members} }}"]
    members = ", ".join(m["name"] for m in schema["union"]["members"] if m["name"] != "NONE")
    lines += ["", f"union {schema['union']['name']} {{ {members} }}", ""]
    for name, table in schema["tables"].items():
        fields = sorted(table["fields"], key=lambda field: int(field["id"]))
        # A union's type field is implied by the union itself.
        lines += [f"table {name} {{", *(field_text(f) for f in fields if f["type"]["kind"] != "union_type"), "}"]
    lines += ["", f"root_type {schema['root_type'].rsplit('.', 1)[-1]};"]
    lines += [f'file_identifier "{schema["file_identifier"]}";', f'file_extension "{schema["file_extension"]}";', ""]
    return "\n".join(lines)


def fields_text(schema: str) -> str:
    """`ms_fields.py`: enums, and each table's fields with type and default, read back from the schema text."""
    enums = {
        name: {key: int(value) for key, value in re.findall(r"(\w+) = (-?\d+)", body)}
        for name, body in re.findall(r"^enum (\w+): \w+ \{(.*?)\}", schema, re.MULTILINE)
    }
    members = re.search(r"^union \w+ \{(.*?)\}", schema, re.MULTILINE)
    ordinals = {name: i for i, name in enumerate(["NONE", *re.findall(r"\w+", members[1] if members else "")])}
    tables: dict[str, dict[str, tuple[str, object]]] = {}
    for name, body in re.findall(r"^table (\w+) \{(.*?)^\}", schema, re.MULTILINE | re.DOTALL):
        tables[name] = {}
        for field, kind, default in re.findall(r"(\w+): ([\w\[\]]+)(?: = ([\w.\-+]+))?;", body):
            tables[name][field] = (kind, default_value(kind, default, enums))
    lines = ['"""The `.ms` schema as data, written by generate.py from ms.fbs. Do not edit."""', ""]
    lines += [f"ENUMS: dict[str, dict[str, int]] = {enums!r}", f"PRIMITIVE_TYPES: dict[str, int] = {ordinals!r}"]
    lines += ["TABLES: dict[str, dict[str, tuple[str, bool | int | float | None]]] = {"]
    lines += [f"    {name!r}: {fields!r}," for name, fields in tables.items()] + ["}", ""]
    return "\n".join(lines)


def default_value(kind: str, text: str, enums: dict[str, dict[str, int]]) -> bool | int | float | None:
    """The default of a field; None for tables, strings and vectors, which are absent by default."""
    if kind in enums:
        return enums[kind].get(text, 0)
    if kind == "bool":
        return text == "true"
    if kind in ("float", "double"):
        return float(text or 0)
    return int(text or 0) if kind in ("byte", "ubyte", "int", "uint", "long") else None


def run_flatc() -> None:
    """Rewrite the package `ms/` and `ms_fields.py` from `ms.fbs`: a module per table, so a model loads only what it uses."""
    shutil.rmtree(HERE / "ms", ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["flatc", "--python", "-o", folder, str(HERE / "ms.fbs")], check=True)
        shutil.copytree(Path(folder, *NAMESPACE.split(".")), HERE / "ms")
    text = fields_text((HERE / "ms.fbs").read_text(encoding="utf-8"))
    (HERE / "ms_fields.py").write_text(text, encoding="utf-8")


def arguments_text(primitives: dict[str, dict[str, Any]]) -> str:
    """`mindir_arguments.py`: per primitive of MindSpore 2.7 the number of real inputs and the names of trailing arguments."""
    rows = {
        name: (len(primitive["inputs"]), tuple(argument["name"] for argument in primitive["init_args"]))
        for name, primitive in primitives.items()
        if primitive["init_args"]
    }
    least = {
        name: sum(argument["default"] is None for argument in primitive["inputs"])
        for name, primitive in primitives.items()
    }
    # The only hand-written primitive of MindSpore 2.7 with trailing arguments.
    rows["BatchNorm"] = (5, ("is_training", "epsilon", "momentum", "data_format"))
    lines = [
        '"""Arguments that trail a primitive\'s inputs in MindIR version 2 and up; written by generate.py. Do not edit."""',
        "",
        "ARGUMENTS: dict[str, tuple[int, tuple[str, ...]]] = {",
        *(f"    {name!r}: {rows[name]!r}," for name in sorted(rows)),
        "}",
        "# Inputs that have no default.",
        "LEAST_INPUTS: dict[str, int] = {",
        *(f"    {name!r}: {count}," for name, count in sorted(least.items())),
        "}",
        "",
    ]
    return "\n".join(lines)


def run_protoc() -> None:
    """Rewrite `mind_ir_pb2.py` from `mind_ir.proto`."""
    subprocess.run(["protoc", f"-I{HERE}", f"--python_out={HERE}", "mind_ir.proto"], check=True)


def main() -> None:
    """Parse the command line and regenerate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", type=Path, help="JSON description of the .ms schema to rewrite ms.fbs from")
    parser.add_argument("--arguments", type=Path, help="JSON of MindSpore's primitives to rewrite mindir_arguments.py from")
    options = parser.parse_args()
    if options.arguments is not None:
        text = arguments_text(json.loads(options.arguments.read_text(encoding="utf-8")))
        (HERE / "mindir_arguments.py").write_text(text, encoding="utf-8")
    if options.schema is not None:
        text = schema_text(json.loads(options.schema.read_text(encoding="utf-8")))
        (HERE / "ms.fbs").write_text(text, encoding="utf-8")
    run_flatc()
    run_protoc()


if __name__ == "__main__":
    main()
