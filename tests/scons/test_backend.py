"""`MSLITE_BACKEND='converter_lite'`: the official converter behind the same graph; here a stand-in for it."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG

if TYPE_CHECKING:
    from scons_project import Project

# Our own converter, which has the same flags, under another name; it says which version it is, as the real one does.
STAND_IN = """\
#!/bin/sh
# MindSpore Lite 2.7.1
echo "$@" >> calls
{fault}
PYTHONPATH='{tree}' exec '{python}' -m converter "$@"
"""
SCONSTRUCT = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json', MSLITE_BACKEND='converter_lite')
env['MSLITE_CONVERTER'] = 'tools/bin/converter_lite'
env.MSLiteModel('build/lenet.ms', 'models/lenet.mindir', MSLITE_CONFIG='models/lenet.cfg'{more})
"""


def _stand_in(project: Project, fault: str = "") -> None:
    text = STAND_IN.format(tree=project.tree, python=sys.executable, fault=fault)
    project.write("tools/bin/converter_lite", text).chmod(0o755)


@pytest.fixture
def official(project: Project) -> Project:
    """One LeNet that the official converter converts; not built yet."""
    _stand_in(project)
    project.write("SConstruct", SCONSTRUCT.format(more=""))
    return project


def test_official_converter_is_called_with_its_own_flags(official: Project) -> None:
    official.write("SConstruct", SCONSTRUCT.format(more=", MSLITE_FLAGS=['--optimize=none', '--fp16=off']"))
    assert official.build().converted == ["lenet.ms"]
    [call] = (official.path / "calls").read_text(encoding="utf-8").splitlines()
    words = call.split()
    assert words[:2] == ["--fmk=MINDIR", "--modelFile=models/lenet.mindir"]
    assert words[2].startswith("--outputFile=")
    assert words[2].endswith("/lenet")
    assert words[3:] == ["--configFile=models/lenet.cfg", "--trainModel=false", "--optimize=none", "--fp16=off"]
    assert official.is_up_to_date()
    assert official.left_over() == []


def test_record_describes_what_the_official_converter_made(official: Project) -> None:
    official.build()
    record = official.manifest()["build/lenet.ms"]
    assert record["converter"].startswith("converter_lite 2.7.1 (sha256 ")
    assert record["options"] is None
    assert record["config"] == {"common_quant_param": {"quant_type": "WEIGHT_QUANT"}}
    assert record["inputs"] == [{"name": "x", "dtype": "float32", "shape": [4, 32, 32, 1], "layout": "NHWC"}]
    assert record["memory"]["training"] is None
    assert record["bytes"] == (official.path / "build/lenet.ms").stat().st_size
    assert official.build("models-verify").out == "1 models verified\n"


def test_another_official_converter_converts_again_and_explain_names_both(official: Project) -> None:
    official.build()
    _stand_in(official, fault="# 2.7.1 once more")
    ran = official.build("models", "--debug=explain")
    assert ran.converted == ["lenet.ms"]
    old, new = (line.split() for line in ran.out.splitlines() if "converter_lite 2.7.1" in line)
    assert (old[0], new[0]) == ("old:", "new:")
    assert old[4] != new[4]
    assert official.is_up_to_date()


def test_library_of_the_official_converter_counts_too(official: Project) -> None:
    official.write("tools/lib/libmindspore_converter.so", "one")
    official.build()
    official.write("tools/lib/libmindspore_converter.so", "two")
    assert official.build().converted == ["lenet.ms"]


def test_comment_in_the_config_converts_nothing_and_a_value_does(official: Project) -> None:
    official.build()
    official.write("models/lenet.cfg", "# comment\n" + CONFIG)
    assert official.is_up_to_date()
    official.write("models/lenet.cfg", CONFIG.replace("=0", "=37"))
    assert official.build().converted == ["lenet.ms"]


def test_change_of_the_backend_converts_again(official: Project) -> None:
    official.build()
    text = SCONSTRUCT.format(more="")
    official.write("SConstruct", text.replace("MSLITE_BACKEND='converter_lite'", "MSLITE_BACKEND='mslite'"))
    assert official.build().converted == ["lenet.ms"]


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("echo 'CONVERT RESULT FAILED:-1 Common error code.'; exit 255", "ended with status 255"),
        ("kill -9 $$", "was killed by signal 9"),
        ("exit 0", "wrote no model"),
    ],
)
def test_failure_of_the_official_converter_is_located(official: Project, fault: str, ending: str) -> None:
    _stand_in(official, fault)
    ran = official.run("models")
    assert ran.code == 2
    first, *rest = ran.err.splitlines()
    assert first == f"scons: *** [build/lenet.ms] models/lenet.mindir: error[E503]: converter_lite {ending}"
    assert rest == (["   | CONVERT RESULT FAILED:-1 Common error code."] if "echo" in fault else [])
    assert not (official.path / "build/lenet.ms").exists()
    assert official.left_over() == []


def test_file_that_is_no_model_fails_the_build(official: Project) -> None:
    _stand_in(official, 'for w in "$@"; do case $w in --outputFile=*) echo no > "${w#*=}.ms"; exit 0;; esac; done')
    ran = official.run("models")
    assert ran.code == 2
    assert "error[E310]: not a .ms file" in ran.err
    assert ran.err.startswith("scons: *** [build/lenet.ms] ")


def test_missing_converter_is_named(official: Project) -> None:
    (official.path / "tools/bin/converter_lite").unlink()
    ran = official.run("models")
    assert ran.code == 2
    assert "SConstruct:3: MSLITE_CONVERTER is 'tools/bin/converter_lite', which is no program" in ran.err


def test_unknown_backend_is_named(official: Project) -> None:
    text = SCONSTRUCT.format(more="").replace("BACKEND='converter_lite'", "BACKEND='tflite'")
    official.write("SConstruct", text)
    ran = official.run("models")
    assert ran.code == 2
    assert "SConstruct:3: MSLITE_BACKEND is 'tflite'; use 'mslite' or 'converter_lite'" in ran.err


def test_model_is_embedded_like_any_other(official: Project) -> None:
    text = SCONSTRUCT.format(more="").replace("env.MSLiteModel", "ms = env.MSLiteModel")
    official.write("SConstruct", text + "env.MSLiteEmbed(ms)\n")
    official.build("build/lenet_ms.S", "build/mslite_models.c")
    sha256 = hashlib.sha256((official.path / "build/lenet.ms").read_bytes()).hexdigest()
    assert sha256 in (official.path / "build/lenet_ms.h").read_text(encoding="utf-8")
