"""Targets, places, caches: what a build step owes to a build, each with real scons."""

from __future__ import annotations

import hashlib
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG, MODELS, SCONSTRUCT

if TYPE_CHECKING:
    from pathlib import Path

    from scons_project import Project

TWO = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')
env.MSLiteModel(['build/a.ms', 'build/b.ms'], ['models/a.mindir', 'models/b.mindir'])
"""


@pytest.fixture
def two(empty: Project) -> Project:
    """Two models, not built yet."""
    empty.write("SConstruct", TWO)
    empty.model("models/a.mindir")
    empty.model("models/b.mindir")
    return empty


def test_one_line_per_model_with_size_and_time(project: Project) -> None:
    words = project.build().out.split()
    made = -(-(project.path / "build/lenet.ms").stat().st_size // 1024)
    assert words[:4] == ["MSLITE", "build/lenet.ms", str(made), "KB"]
    assert float(words[4]) > 0
    assert words[5:] == ["s"]


def test_silent_build_prints_nothing(project: Project) -> None:
    ran = project.build("-s", "models")
    assert (ran.out, ran.err) == ("", "")
    assert (project.path / "build/lenet.ms").exists()


def test_comment_string_is_the_users(project: Project) -> None:
    project.write("SConstruct", SCONSTRUCT.replace("ENV={}", "ENV={}, MSLITECOMSTR='model $SOURCE'"))
    assert project.build().out.startswith("model models/lenet.mindir  ")


def test_clean_removes_everything_that_was_built(project: Project) -> None:
    before = sorted(project.path.rglob("*"))
    project.build()
    project.build("-c", "models")
    after = [path for path in sorted(project.path.rglob("*")) if path.name not in {"build", ".sconsign.dblite"}]
    assert after == before
    assert project.build().converted == ["lenet.ms"]


def test_dry_run_says_what_a_build_would_convert_and_writes_nothing(project: Project) -> None:
    ran = project.build("-n", "models")
    assert ran.out == "MSLITE build/lenet.ms\n"
    assert not (project.path / "build").exists()
    project.build()
    assert project.build("-n", "models").out == "scons: `models' is up to date.\n"
    before = {path: path.read_bytes() for path in (project.path / "build").iterdir()}
    project.write("models/lenet.cfg", CONFIG.replace("=0", "=17"))
    assert project.build("-n", "models").out == "MSLITE build/lenet.ms\n"
    assert {path: path.read_bytes() for path in (project.path / "build").iterdir()} == before
    project.write("models/lenet.cfg", "# only a comment\n" + CONFIG)
    assert project.build("-n", "models").out == "scons: `models' is up to date.\n"


def test_two_jobs_make_the_same_bytes(two: Project) -> None:
    assert sorted(two.build("-j2", "models").converted) == ["a.ms", "b.ms"]
    assert two.is_up_to_date()
    parallel = [(two.path / f"build/{name}.ms").read_bytes() for name in "ab"]
    two.build("-c", "models")
    assert two.build("-j1", "models").converted == ["a.ms", "b.ms"]
    assert [(two.path / f"build/{name}.ms").read_bytes() for name in "ab"] == parallel


def test_one_edited_model_converts_one(two: Project) -> None:
    two.build()
    with (two.path / "models/b.mindir").open("ab") as stream:
        stream.write(b"\x92\x3f\x01x")
    assert two.build().converted == ["b.ms"]
    assert two.is_up_to_date()


def test_manifest_tells_what_was_made_from_what(project: Project) -> None:
    project.build()
    made = (project.path / "build/lenet.ms").read_bytes()
    entry = project.manifest()["build/lenet.ms"]
    assert entry["bytes"] == len(made)
    assert entry["sha256"] == hashlib.sha256(made).hexdigest()
    source = (project.path / "models/lenet.mindir").read_bytes()
    assert entry["made_from"] == {"models/lenet.mindir": hashlib.sha256(source).hexdigest()}
    assert entry["options"]["quant"]["bit_num"] == 8
    assert len(entry["inputs"]) == len(entry["outputs"]) == 1
    assert str(project.path) not in (project.path / "build/models.json").read_text(encoding="utf-8")


def test_verify_finds_and_removes_a_damaged_model(built: Project) -> None:
    assert built.build("models-verify").out == "1 models verified\n"
    model = built.path / "build/lenet.ms"
    good = model.read_bytes()
    model.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert built.is_up_to_date()
    ran = built.run("models-verify")
    assert ran.code == 2
    assert ran.err == "scons: *** [models-verify] build/lenet.ms: error[E501]: damaged after it was built; deleted\n"
    assert built.build().converted == ["lenet.ms"]
    assert model.read_bytes() == good
    assert built.build("models-verify").out == "1 models verified\n"


def test_two_environments_share_one_manifest(two: Project) -> None:
    two.write(
        "SConstruct",
        "common = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')\n"
        "common.Clone(MSLITE_FLAGS='--optimize=none').MSLiteModel('build/a', 'models/a.mindir')\n"
        "common.Clone(tools=['mslite']).MSLiteModel('build/b.ms', 'models/b.mindir')\n",
    )
    assert sorted(two.build().converted) == ["a.ms", "b.ms"]
    assert sorted(two.manifest()) == ["build/a.ms", "build/b.ms"]
    assert two.is_up_to_date()


def test_model_without_a_target_lands_beside_its_source(empty: Project) -> None:
    empty.model("models/net.mindir")
    empty.write("SConstruct", "env = Environment(tools=['mslite'])\nprint(*env.MSLiteModel('models/net.mindir'))\n")
    ran = empty.build()
    assert ran.out.startswith("models/net.ms\nMSLITE models/net.ms ")
    assert (empty.path / "models.json").exists()


def test_numbers_of_targets_and_sources_must_agree(two: Project) -> None:
    two.write("SConstruct", TWO.replace("['build/a.ms', 'build/b.ms']", "'build/a.ms'"))
    ran = two.run("models")
    assert ran.code == 2
    assert "SConstruct:2: MSLiteModel: as many targets as sources, please (1 for 2)" in ran.err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("MSLITE_TRAIN='yup'", "SConstruct:1: MSLITE_TRAIN is 'yup'; use True or False"),
        ("MSLITE_FLAGS='--fp17=on'", "did you mean '--fp16'?"),
        ("MSLITE_FLAGS='--saveType=MINDIR'", "E105"),
        ("MSLITE_TRAIN=True, MSLITE_FLAGS='--fp16=on'", "E105"),
        ("MSLITE_FLAGS=['--modelFile=x']", "--modelFile cannot be given here: it is the source of MSLiteModel"),
    ],
)
def test_wrong_setting_is_reported_where_it_is_used(project: Project, settings: str, message: str) -> None:
    text = f"Environment(tools=['mslite'], {settings}).MSLiteModel('build/lenet.ms', 'models/lenet.mindir')\n"
    project.write("SConstruct", text)
    ran = project.run("models")
    assert ran.code == 2
    assert "SConstruct:1: MSLITE_" in ran.err
    assert message in ran.err


# ----------------------------------------------------------------------------------------------------------------------
# Places


@pytest.mark.parametrize("duplicate", [0, 1])
def test_variant_directory(split_in_variant: Project, duplicate: int) -> None:
    project = split_in_variant
    project.write("SConstruct", f"SConscript('fw/SConscript', variant_dir='build', duplicate={duplicate})\n")
    assert project.build().converted == ["net.ms"]
    assert sorted(project.manifest()["build/net.ms"]["made_from"]) == [
        "fw/lenet_split_graph.mindir",
        "fw/lenet_split_variables/data_0",
    ]
    assert project.manifest()["build/net.ms"]["directories"].startswith("fw/samples: 1 files, ")
    assert project.is_up_to_date()
    project.write("fw/samples/b.bin", "b")
    assert project.build().converted == ["net.ms"]
    project.write("fw/net.cfg", (project.path / "fw/net.cfg").read_text(encoding="utf-8").replace("=8", "=8\n# eight"))
    assert project.build().converted == []
    assert project.is_up_to_date()


@pytest.mark.parametrize("duplicate", [0, 1])
def test_explain_names_the_config_in_a_variant_directory_not_the_model(
    split_in_variant: Project, duplicate: int
) -> None:
    project = split_in_variant
    project.write("SConstruct", f"SConscript('fw/SConscript', variant_dir='build', duplicate={duplicate})\n")
    project.build()
    project.write(
        "fw/net.cfg", (project.path / "fw/net.cfg").read_text(encoding="utf-8") + "[registry]\ndisable_fusion=on\n"
    )
    explained = project.build("models", "--debug=explain").out
    assert "dependency" not in explained
    assert "disable_fusion" in explained


@pytest.fixture
def split_in_variant(empty: Project) -> Project:
    """A SConscript in `fw/` with split weights and a config that names a directory."""
    empty.model("fw/lenet_split_graph.mindir", "lenet_split_graph")
    shutil.copytree(MODELS / "lenet_split_variables", empty.path / "fw/lenet_split_variables")
    empty.write("fw/net.cfg", CONFIG + "[data_preprocess_param]\ncalibrate_path=x:samples\n")
    empty.write("fw/samples/a.bin", "a")
    empty.write(
        "fw/SConscript",
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='models.json')\n"
        "env.MSLiteModel('net.ms', 'lenet_split_graph.mindir', MSLITE_CONFIG='net.cfg', MSLITE_TRAIN=True)\n",
    )
    return empty


@pytest.mark.parametrize("directory", ["with blanks", "mødèl 模型", "a#b", "it's (1) & [2]"])
def test_odd_paths(empty: Project, directory: str) -> None:
    project = empty.at(empty.path / directory)
    project.model(f"{directory}/lenet net#1.mindir")
    project.write(f"{directory}/the config #2.cfg", CONFIG)
    project.write(
        "SConstruct",
        f"name = {directory!r}\n"
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')\n"
        "env.MSLiteModel('build/' + name + '/lenet net#1.ms', name + '/lenet net#1.mindir',\n"
        "                MSLITE_CONFIG=name + '/the config #2.cfg')\n",
    )
    project.build()
    assert list(project.manifest()) == [f"build/{directory}/lenet net#1.ms"]
    assert project.is_up_to_date()
    project.write(f"{directory}/the config #2.cfg", CONFIG + "skip_quant_node=a\n")
    assert "MSLITE" in project.build().out
    assert project.is_up_to_date()


def test_model_and_config_made_by_the_same_build(project: Project) -> None:
    project.write(
        "SConstruct",
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json')\n"
        "env.Command('build/made.mindir', 'models/lenet.mindir', Copy('$TARGET', '$SOURCE'))\n"
        "env.Command('build/made.cfg', 'models/lenet.cfg', Copy('$TARGET', '$SOURCE'))\n"
        "env.MSLiteModel('build/net.ms', 'build/made.mindir', MSLITE_CONFIG='build/made.cfg')\n",
    )
    assert project.build().converted == ["net.ms"]
    assert project.is_up_to_date()
    project.write("models/lenet.cfg", CONFIG.replace("=0", "=23"))
    assert project.build().converted == ["net.ms"]
    project.write("models/lenet.cfg", "# comment\n" + CONFIG.replace("=0", "=23"))
    assert project.build().converted == []
    assert project.is_up_to_date()


def test_model_is_a_dependency_of_what_embeds_it(project: Project) -> None:
    project.write(
        "SConstruct",
        SCONSTRUCT.replace("env.MSLiteModel", "ms = env.MSLiteModel")
        + "embedded = env.Command('build/net.S', [], [Touch('$TARGET'), Copy('build/copy.bin', ms[0])])\n"
        "env.Depends(embedded, ms)\n",
    )
    assert "MSLITE" in project.build("build/net.S").out
    assert project.build("build/net.S").out == "scons: `build/net.S' is up to date.\n"
    project.write("models/lenet.cfg", "")
    assert "Touch" in project.build("build/net.S").out
    assert (project.path / "build/copy.bin").read_bytes() == (project.path / "build/lenet.ms").read_bytes()


# ----------------------------------------------------------------------------------------------------------------------
# CacheDir


def _cached(cache: Path) -> str:
    return f"CacheDir({str(cache)!r})\n" + SCONSTRUCT


def test_deleted_target_comes_back_from_the_cache(project: Project, tmp_path: Path) -> None:
    project.write("SConstruct", _cached(tmp_path / "cache"))
    assert project.build().converted == ["lenet.ms"]
    made = {name: (project.path / "build" / name).read_bytes() for name in ("lenet.ms", "models.json")}
    shutil.rmtree(project.path / "build")
    ran = project.build()
    assert ran.converted == []
    assert "Retrieved `build/lenet.ms' from cache" in ran.out
    assert {name: (project.path / "build" / name).read_bytes() for name in made} == made
    assert project.is_up_to_date()


def test_second_checkout_is_served_from_the_cache(project: Project, tmp_path: Path) -> None:
    text = _cached(tmp_path / "cache")
    other = project.copy(tmp_path.with_name(tmp_path.name + " other"))
    project.write("SConstruct", text)
    other.write("SConstruct", text)
    assert project.build().converted == ["lenet.ms"]
    assert other.build().converted == []
    other.write("models/lenet.cfg", CONFIG.replace("=0", "=29"))
    assert other.build().converted == ["lenet.ms"]


# ----------------------------------------------------------------------------------------------------------------------
# Footprint


def test_up_to_date_build_imports_nothing_heavy_and_starts_no_worker(project: Project) -> None:
    project.build()
    project.write(
        "SConstruct",
        SCONSTRUCT
        + "import atexit, sys\n"
        + "heavy = ('numpy', 'google', 'flatbuffers', 'converter.worker', 'converter.api')\n"
        + "atexit.register(lambda: print('heavy:', [name for name in heavy if name in sys.modules]))\n",
    )
    assert project.build().out == "scons: `models' is up to date.\nheavy: []\n"
    assert project.build("-h").out.endswith("heavy: []\n")


def test_tool_adds_no_option_and_no_default_target(project: Project) -> None:
    project.write("SConstruct", SCONSTRUCT + "print(len(DEFAULT_TARGETS), GetOption('num_jobs'))\n")
    assert project.build("-n", "models").out.startswith("0 1\n")


def test_host_may_preset_variables_before_the_tool(project: Project) -> None:
    project.write(
        "SConstruct",
        "env = Environment(tools=[], MSLITE_ALIAS='nets', MSLITE_MANIFEST='build/nets.json')\n"
        "env.Tool('mslite')\n"
        "env.MSLiteModel('build/lenet.ms', 'models/lenet.mindir')\n",
    )
    assert project.build("nets").converted == ["lenet.ms"]
    assert (project.path / "build/nets.json").exists()


@pytest.mark.parametrize("words", [["help", "models"], ["models-help"]])
def test_help_explains_every_variable(project: Project, words: list[str]) -> None:
    out = project.build(*words).out
    assert not (project.path / "build").exists()
    for name in ("MSLITE_CONFIG", "MSLITE_TRAIN", "MSLITE_FLAGS", "MSLITECOMSTR", "MSLITE_PYTHON"):
        assert name in out


def test_hybrid_decider_trusts_the_time_stamp_of_large_files_only(project: Project) -> None:
    call = "env.MSLiteDecider()\nenv.MSLiteModel"
    project.write("SConstruct", SCONSTRUCT.replace("env.MSLiteModel", call))
    project.build()
    (project.path / "models/lenet.mindir").touch()
    assert project.is_up_to_date()
    project.write("models/lenet.cfg", CONFIG.replace("=0", "=31"))
    assert project.build().converted == ["lenet.ms"]
    assert project.is_up_to_date()


def test_tool_found_on_a_toolpath(project: Project) -> None:
    toolpath = str(project.tree / "site_scons" / "site_tools")
    project.write("SConstruct", SCONSTRUCT.replace("tools=", f"toolpath=[{toolpath!r}], tools="))
    project.has_site_dir = False
    assert project.build().converted == ["lenet.ms"]


def test_python_without_numpy_is_named(project: Project) -> None:
    bare = project.write("bare_python", f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    project.write("SConstruct", SCONSTRUCT.replace("ENV={}", f"ENV={{}}, MSLITE_PYTHON={str(bare)!r}"))
    ran = project.run("models")
    assert ran.code == 2
    assert "scons: *** [build/lenet.ms]" in ran.err
    assert "numpy" in ran.err
    assert "MSLITE_PYTHON" in ran.err
    assert "Traceback" not in ran.err


def test_manifest_has_the_config_in_canonical_form(project: Project) -> None:
    project.build()
    record = project.manifest()["build/lenet.ms"]
    assert record["config"] == {"common_quant_param": {"quant_type": "WEIGHT_QUANT"}}
    assert record["directories"] == ""
