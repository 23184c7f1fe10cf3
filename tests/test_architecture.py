"""The rules of docs/architecture.md that a machine can check: imports, sizes, names, and tables that fit each other."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from support.zoo import ROOT

from converter._generated.ms_fields import ENUMS, PRIMITIVE_TYPES, TABLES
from converter.errors import CODES
from converter.ops import rules
from converter.ops.device_kernels import DEVICE_KERNELS
from converter.ops.lite_ops import LITE_OPS, OPTIMIZERS, QUANTIZED_ONLY
from converter.ops.rules import IGNORED_EVERYWHERE, RULES
from converter.passes.pipeline import PIPELINE

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

FILES = sorted(
    path
    for folder in ("converter", "site_scons")
    for path in (ROOT / folder).rglob("*.py")
    if "_generated" not in path.parts
)
GENERATED = ROOT / "converter" / "_generated"
FIELDS = "_generated.ms_fields"
ARGUMENTS = "_generated.mindir_arguments"

# Who may import whom: rooms of ours, then packages of others. A room may always import itself.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "options": set(),
    "version": set(),
    "fingerprint": set(),
    "plugins": {"errors", "passes"},
    "report": set(),
    "output": {"errors"},
    "progress": {"tqdm"},
    "config": {"errors", "options"},
    "encryption": {"errors", "cryptography"},
    "flags": {"config", "encryption", "errors", "options"},
    "ir": {"errors", "numpy"},
    "mindir": {"encryption", "ir", "errors", "_generated.mind_ir_pb2", ARGUMENTS, "google"},
    "ops": {"ir", "errors", "numpy", FIELDS, ARGUMENTS},
    "reference": {"ir", "ops", "errors", "numpy"},
    "passes": {"ir", "ops", "reference", "errors", "report", "options", "numpy"},
    "quantize": {"ir", "ops", "reference", "errors", "report", "options", "output", "numpy", "PIL"},
    "mslite": {"encryption", "ir", "ops", "errors", "version", FIELDS, "_generated.ms", "flatbuffers", "numpy"},
    "api": {
        *("ir", "mindir", "mslite", "ops", "passes", "plugins", "quantize", "reference"),
        *("encryption", "errors", "options", "output", "report"),
    },
    "worker": {"api", "encryption", "errors", "options", "report"},
    "cluster": {"cluster_task", "fingerprint", "output", "distributed", "cloudpickle"},
    "cluster_task": set(),
    "__main__": {"api", "config", "encryption", "errors", "flags", "ir", "output", "progress", "report", "version"},
    "tools": {"api", "config", "errors", "flags", "ir", "ops", "options", "output", "reference", "report", "mslite"}
    | {"version", "numpy"},
    "site_scons": {"config", "errors", "flags", "fingerprint", "options", "version", "SCons"}
    | {"encryption.keys", "mindir.external", "mindir.wire"},
}
# What a build description may load while SCons reads it: the standard library, and what stands here.
LIGHT = (
    "config",
    "encryption",
    "errors",
    "flags",
    "fingerprint",
    "options",
    "version",
    "mindir.external",
    "mindir.wire",
)
BAD_NAMES = re.compile(r"utils?|helpers?|manager|common|misc")
MOST_LINES, MOST_FUNCTION_LINES = 400, 60


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room(path: Path) -> str:
    """The part of the project that a file belongs to."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "converter" else parts[0]


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports anywhere, those for type checkers included."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            is_package = module == "converter" or (ROOT / module.replace(".", "/") / "__init__.py").exists()
            names = [alias.name for alias in node.names]
            found.update(f"{module}.{name}" if is_package and is_module(module, name) else module for name in names)
    return found


def is_module(package: str, name: str) -> bool:
    place = ROOT / package.replace(".", "/") / name
    return place.is_dir() or place.with_suffix(".py").exists()


def is_allowed(module: str, own: str) -> bool:
    """Whether a room may import a module."""
    first, _, rest = module.partition(".")
    if first != "converter":
        return first in sys.stdlib_module_names or first in MAY_IMPORT[own]
    return not rest or any(rest == each or rest.startswith(f"{each}.") for each in {own, *MAY_IMPORT[own]})


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_room_imports_only_what_its_row_allows(path: Path) -> None:
    own = room(path)
    if own == "__init__":
        own = "version"
    assert [module for module in sorted(imported(path)) if not is_allowed(module, own)] == []


def test_every_room_has_a_row() -> None:
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms <= set(MAY_IMPORT)


def loads(path: Path) -> set[str]:
    """What importing a file loads at once: imports outside functions and outside `if TYPE_CHECKING`."""
    lazy = {
        id(inner)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import) and id(node) not in lazy:
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and id(node) not in lazy and not node.level:
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", [path for path in FILES if room(path) == "site_scons"], ids=shown)
def test_reading_a_build_description_loads_nothing_heavy(path: Path) -> None:
    own = {module.removeprefix("converter.") for module in loads(path) if module.startswith("converter")}
    assert [name for name in sorted(own) if not name.startswith(LIGHT)] == []
    assert {"numpy", "google", "flatbuffers"}.isdisjoint({module.partition(".")[0] for module in loads(path)})


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    sizes = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: size for name, size in sizes.items() if size > MOST_FUNCTION_LINES} == {}


def test_names_say_what_is_inside() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "data" not in path.parts]
    assert [shown(path) for path in [*FILES, *tests] if BAD_NAMES.fullmatch(path.stem)] == []


def test_every_problem_code_is_used() -> None:
    sources = [path for path in FILES if path.name != "errors.py"]
    used = {code for path in sources for code in re.findall(r"\bE\d{3}\b", path.read_text(encoding="utf-8"))}
    assert set(CODES) - used == set()
    assert {code for code in used if code[1] in "12345689"} - set(CODES) == set()


# -- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_row_of_the_mindir_table_fits_the_schema(name: str) -> None:
    rule = RULES[name]
    assert rule.attrs.keys() & IGNORED_EVERYWHERE == set(), "said twice"
    if not rule.lite:
        assert rule.adapter is not None, "a row without a Lite operator is composed by its adapter"
        return
    assert rule.lite in PRIMITIVE_TYPES
    fields = {row.field for row in rule.attrs.values() if row.field is not None}
    # An adapter may take more; what it leaves behind is refused by the writer.
    assert rule.adapter is not None or fields - set(TABLES[rule.lite]) == set()
    assert set(rule.sets) - set(TABLES[rule.lite]) == set()
    assert rule.lite in LITE_OPS
    assert rule.lite in DEVICE_KERNELS


@pytest.mark.parametrize("name", sorted(RULES))
def test_an_adapter_named_in_a_row_exists(name: str) -> None:
    adapter: Any = RULES[name].adapter
    assert adapter is None or callable(adapter)


@pytest.mark.parametrize("name", sorted(LITE_OPS))
def test_a_row_of_the_lite_table_fits_the_schema(name: str) -> None:
    lite = LITE_OPS[name]
    assert name in PRIMITIVE_TYPES
    assert name in TABLES
    least, most = lite.inputs
    assert 0 < least <= most
    places = (*lite.nhwc, *lite.kernels, *lite.writes, *lite.quantized)
    assert all(0 <= place < most for place in places)
    assert not set(lite.nhwc) & set(lite.kernels)
    assert name in QUANTIZED_ONLY or DEVICE_KERNELS[name].kernels, (
        "the device has no kernel for what the converter would write"
    )


def test_writes_agree_between_both_tables() -> None:
    for name, rule in RULES.items():
        assert not rule.lite or set(rule.writes) <= set(LITE_OPS[rule.lite].writes), name
    assert set(LITE_OPS) >= OPTIMIZERS
    assert all(LITE_OPS[name].writes for name in OPTIMIZERS)


def test_the_device_table_names_operators_of_the_schema() -> None:
    assert set(DEVICE_KERNELS) - set(PRIMITIVE_TYPES) == set()


def test_passes_stand_after_those_they_need() -> None:
    names = [each.name for each in PIPELINE]
    assert len(names) == len(set(names))
    for index, each in enumerate(PIPELINE):
        assert set(each.after) <= set(names[:index]), each.name


def test_passes_say_what_they_do() -> None:
    assert [each.name for each in PIPELINE if not each.summary.endswith((".", ":")) and len(each.summary) < 20] == []


# -- generated files ------------------------------------------------------------------------------------------------


def generator() -> ModuleType:
    """`generate.py`, which is a script, as a module."""
    spec = importlib.util.spec_from_file_location("generate_bindings", GENERATED / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_field_table_is_what_the_generator_makes_of_the_schema() -> None:
    schema = (GENERATED / "ms.fbs").read_text(encoding="utf-8")
    assert (GENERATED / "ms_fields.py").read_text(encoding="utf-8") == generator().fields_text(schema)


def test_every_table_has_its_generated_module() -> None:
    modules = {path.stem for path in (GENERATED / "ms").glob("*.py")} - {"__init__"}
    assert modules == {*TABLES, *ENUMS, "PrimitiveType"}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_generated_modules_have_the_fields_of_the_schema(table: str) -> None:
    """The order of fields is the order of vtable slots, so a stale binding would write into the wrong field."""
    source = (GENERATED / "ms" / f"{table}.py").read_text(encoding="utf-8")
    slots = re.findall(rf"^def {table}Add(\w+?)_?\(builder", source, re.MULTILINE)
    expected = ["".join(part[:1].upper() + part[1:] for part in field.split("_")) for field in TABLES[table]]
    is_union_owner = table == "Primitive"
    assert [slot for slot in slots if not (is_union_owner and slot == "ValueType")] == expected


def test_no_operator_has_two_rows() -> None:
    families = [module.RULES for name, module in vars(rules).items() if hasattr(module, "RULES") and name != "RULES"]
    assert sum(len(family) for family in families) == len(rules.RULES)


def test_modules_of_tests_have_names_of_their_own() -> None:
    """Pytest imports them by their last name, so two of one name stop the whole run."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)
