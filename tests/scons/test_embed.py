"""`env.MSLiteEmbed`: models in a program, their registry, and what it costs them to be too large."""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib
from typing import TYPE_CHECKING

import pytest
from scons_project import MODELS

if TYPE_CHECKING:
    from scons_project import Project

HEAD = """\
env = Environment(tools=['default', 'mslite'], MSLITE_MANIFEST='build/models.json'{settings})
env.MSLiteDecider()
a = env.MSLiteModel('build/net-5.ms', 'models/a.mindir', MSLITE_TRAIN=True)
b = env.MSLiteModel('build/two.ms', 'models/b.mindir')
"""
EMBED = """\
embedded = env.MSLiteEmbed(a, b)
env.Append(CPPPATH=[embedded.include])
env.Program('build/firmware', ['main.c', *embedded, *embedded.budget])
"""
PROGRAM = r"""
#include <stdio.h>
#include "mslite_models.h"
#include "net_5_ms.h"
static void ports(const char *kind, const mslite_tensor *tensor, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, tensor++) {
        printf("%s %s %d %d", kind, tensor->name, (int)tensor->type, (int)tensor->layout);
        printf(" %u", (unsigned)tensor->is_label);
        for (uint32_t d = 0; d < tensor->rank; d++) printf(" %d", (int)tensor->shape[d]);
        printf("\n");
    }
}
int main(void) {
    for (int i = 0; i < MSLITE_MODELS_COUNT; i++) {
        const mslite_model *model = &mslite_models[i];
        const mslite_facts *facts = model->facts;
        printf("%s %u %u %u %u ", model->name, (unsigned)facts->size, (unsigned)facts->crc32,
               (unsigned)facts->inference_ram, (unsigned)facts->training_ram);
        for (int k = 0; k < 32; k++) printf("%02x", facts->sha256[k]);
        printf(" %u\n", (unsigned)((uintptr_t)model->data % 64));
        ports("in", model->inputs, model->input_count);
        ports("out", model->outputs, model->output_count);
        fwrite(model->data, 1, facts->size, stderr);
    }
    if (mslite_models[MSLITE_MODELS_NET_5].data != mslite_net_5) return 1;
    return MSLITE_NET_5_SIZE == mslite_net_5_facts.size ? 0 : 1;
}
""".replace("net_5_ms.h", "net-5_ms.h")


@pytest.fixture
def firmware(empty: Project) -> Project:
    """A trainable model and one for inference, with a program that prints its registry; not built yet."""
    empty.model("models/a.mindir", "step_tied")
    empty.model("models/b.mindir", "two_outputs_infer")
    empty.write("main.c", PROGRAM)
    empty.write("SConstruct", HEAD.format(settings="") + EMBED)
    return empty


def _run(project: Project) -> tuple[list[str], bytes]:
    ended = subprocess.run([project.path / "build/firmware"], capture_output=True, timeout=60, check=True)
    return ended.stdout.decode().splitlines(), ended.stderr


@pytest.mark.parametrize("mode", ["asm", "c"])
def test_program_finds_models_and_registry(firmware: Project, mode: str) -> None:
    text = HEAD.format(settings=f", MSLITE_EMBED='{mode}', MSLITE_ALIGN=64") + EMBED
    firmware.write("SConstruct", text)
    firmware.build("models", "build/firmware")
    lines, content = _run(firmware)
    made = {name: (firmware.path / f"build/{name}.ms").read_bytes() for name in ("net-5", "two")}
    assert content == made["net-5"] + made["two"]
    records = firmware.manifest()
    for name, place in (("net-5", 0), ("two", 4)):
        record = records[f"build/{name}.ms"]
        ram = f"{record['memory']['inference']} {record['memory']['training'] or 0}"
        size = f"{len(made[name])} {zlib.crc32(made[name])}"
        assert lines[place] == f"{name.replace('-', '_')} {size} {ram} {record['sha256']} 0"
    assert lines[1:3] == ["in inputs0 43 0 0 3 7", "in inputs1 43 0 1 3 7"]
    assert lines[5] == "in x 43 0 0 3 11"
    assert [line.split()[0] for line in lines[6:]] == ["out", "out"]
    assert firmware.build("build/firmware").out == "scons: `build/firmware' is up to date.\n"


def test_other_weights_change_one_source_and_neither_header_nor_registry(firmware: Project) -> None:
    shutil.copy(MODELS / "lenet_split_graph.mindir", firmware.path / "models/b.mindir")
    weights = firmware.path / "models/lenet_split_variables/data_0"
    weights.parent.mkdir()
    data = bytearray((MODELS / "lenet_split_variables/data_0").read_bytes())
    weights.write_bytes(data)
    firmware.write(
        "SConstruct", (HEAD.format(settings="") + EMBED).replace("b.mindir'", "b.mindir', MSLITE_TRAIN=True")
    )
    firmware.build("build/firmware")
    before = {path.name: path.read_bytes() for path in (firmware.path / "build").iterdir() if path.name[0] != "."}
    data[64] ^= 1
    weights.write_bytes(data)
    ran = firmware.build("build/firmware")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["MSLITE", "EMBED", "gcc", "gcc"]
    changed = {name for name, content in before.items() if (firmware.path / "build" / name).read_bytes() != content}
    assert changed == {"two.ms", "two.ms.record.json", "two_ms.S", "two_ms.h", "two_ms.o", "firmware"}
    assert _run(firmware)[1].endswith((firmware.path / "build/two.ms").read_bytes())


def test_both_sources_are_the_same_in_another_directory(firmware: Project) -> None:
    other = firmware.copy(firmware.path.with_name("an other"))
    for project in (firmware, other):
        project.build("build/firmware")
    for name in ("net-5_ms.S", "net-5_ms.h", "mslite_models.h", "mslite_models.c"):
        content = (firmware.path / "build" / name).read_bytes()
        assert content == (other.path / "build" / name).read_bytes()
        assert str(firmware.path).encode() not in content
        assert b"\r" not in content


def test_odd_paths_are_embedded(firmware: Project) -> None:
    place = 'build/it\'s #1 "ü"'
    text = HEAD.format(settings="").replace("'build/net-5.ms'", repr(f"{place}/net-5.ms"))
    text = text.replace("'build/two.ms'", repr(f"{place}/two.ms"))
    firmware.write("SConstruct", text + EMBED.replace("a, b", "a, b, MSLITE_REGISTRY='build/mslite_models'"))
    # The compiler finds a header by a path without quotes.
    firmware.write(
        "main.c", PROGRAM.replace('#include "net-5_ms.h"', "#define MSLITE_NET_5_SIZE mslite_net_5_facts.size")
    )
    firmware.build("build/firmware")
    assert _run(firmware)[1].startswith((firmware.path / place / "net-5.ms").read_bytes())


def test_clean_removes_all_that_was_made(firmware: Project) -> None:
    firmware.build("build/firmware")
    firmware.build("-c", "build/firmware", "models")
    assert list((firmware.path / "build").iterdir()) == []


def test_model_of_another_origin_is_described_and_embedded(firmware: Project) -> None:
    firmware.build("build/firmware")
    shutil.copy2(firmware.path / "build/net-5.ms", firmware.path / "given.ms")
    text = HEAD.format(settings="") + EMBED.replace("a, b", "'given.ms', b, MSLITE_REGISTRY='build/mslite_models'")
    firmware.write("SConstruct", text)
    firmware.write(
        "main.c", PROGRAM.replace("net-5_ms.h", "../given_ms.h").replace("net_5", "given").replace("NET_5", "GIVEN")
    )
    firmware.build("build/firmware")
    lines, _ = _run(firmware)
    assert lines[0].startswith("given ")
    assert lines[2] == "in inputs1 43 0 1 3 7"
    record = json.loads((firmware.path / "given.ms.record.json").read_text(encoding="utf-8"))
    assert record["labels"] == ["inputs1"]
    assert firmware.build("build/firmware").out == "scons: `build/firmware' is up to date.\n"


def test_file_that_is_no_model_is_not_embedded(firmware: Project) -> None:
    firmware.write("given.ms", "no model at all")
    firmware.write("SConstruct", HEAD.format(settings="") + EMBED.replace("a, b", "'given.ms'"))
    ran = firmware.run("build/firmware")
    assert ran.code == 2
    assert ran.err.startswith("scons: *** [given.ms.record.json] given.ms: error[E310]: not a .ms file")
    assert not (firmware.path / "given_ms.S").exists()


def test_two_registries_share_a_model(firmware: Project) -> None:
    more = "boot = env.MSLiteEmbed(a, MSLITE_REGISTRY='build/boot')\nenv.Object('build/boot.o', boot[1])\n"
    firmware.write("SConstruct", HEAD.format(settings="") + EMBED + more)
    firmware.build("build/firmware", "build/boot.o")
    assert "BOOT_COUNT" in (firmware.path / "build/boot.h").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("env.MSLiteEmbed()", "SConstruct:5: MSLiteEmbed: no model"),
        ("env.MSLiteEmbed(a, a)", "SConstruct:5: MSLiteEmbed: a model is named twice"),
        ("env.MSLiteEmbed(a, 'x/net_5.ms')", "and x/net_5.ms would both be embedded as mslite_net_5; rename one"),
        ("env.MSLiteEmbed(a); env.MSLiteEmbed(a, b)", "is declared twice; give all models to one call"),
        ("env.MSLiteEmbed(a, MSLITE_EMBED='hex')", "SConstruct:5: MSLITE_EMBED is 'hex'; use 'asm' or 'c'"),
        ("env.MSLiteEmbed(a, MSLITE_ALIGN=12)", "SConstruct:5: MSLITE_ALIGN is '12'; use a power of two"),
        ("env.MSLiteEmbed(a, MSLITE_FLASH_BUDGET='1 G')", "SConstruct:5: MSLITE_FLASH_BUDGET is '1 G'; use a number"),
        ("env.MSLiteEmbed(a, MSLITE_RAM_BUDGET={'train': 1})", "its keys are 'inference' and 'training'"),
    ],
)
def test_wrong_call_is_reported_where_it_stands(firmware: Project, call: str, message: str) -> None:
    firmware.write("SConstruct", HEAD.format(settings="") + call + "\n")
    ran = firmware.run("models")
    assert ran.code == 2
    assert message in ran.err


def test_budgets_name_what_is_too_large(firmware: Project) -> None:
    settings = ", MSLITE_FLASH_BUDGET='2K', MSLITE_RAM_BUDGET={'training': 900, 'inference': '1M'}"
    firmware.write("SConstruct", HEAD.format(settings=settings) + EMBED)
    ran = firmware.run("build/firmware")
    assert ran.code == 2
    first, *rest = ran.err.splitlines()
    assert first.startswith("scons: *** [build/mslite_models.h] error[E502]: the models take ")
    assert first.endswith(" bytes of flash, MSLITE_FLASH_BUDGET allows 2048")
    assert [line.split()[-1] for line in rest[:2]] == ["build/net-5.ms", "build/two.ms"]
    training = firmware_memory(firmware)["training"]
    said = f"a training step takes at least {training} bytes of RAM, MSLITE_RAM_BUDGET allows 900"
    assert rest[3:] == [f"build/net-5.ms: error[E502]: {said}"]
    firmware.write("SConstruct", HEAD.format(settings=settings.replace("2K", "64K").replace("900", "'1K'")) + EMBED)
    firmware.build("build/firmware")
    assert "ASSERT(" in (firmware.path / "build/mslite_models.ld").read_text(encoding="utf-8")


def firmware_memory(project: Project) -> dict[str, int]:
    record = json.loads((project.path / "build/net-5.ms.record.json").read_text(encoding="utf-8"))
    memory: dict[str, int] = record["memory"]
    return memory


def test_compile_commands_have_the_models(firmware: Project) -> None:
    text = HEAD.format(settings="").replace("['default', ", "['default', 'compilation_db', ") + EMBED
    firmware.write("SConstruct", text + "env.CompilationDatabase('build/compile_commands.json')\n")
    firmware.build("build/compile_commands.json", "build/firmware")
    entries = json.loads((firmware.path / "build/compile_commands.json").read_text(encoding="utf-8"))
    files = {entry["file"].rpartition("/")[2] for entry in entries}
    assert {"main.c", "mslite_models.c"} <= files
    assert {"net-5_ms.S", "two_ms.S"} <= files
