"""`MSLITE_BACKEND='converter_lite'` with the official library of mindspore-lite 2.0.0, driven by tests/oracle.

Run it with `MSLITE_ORACLE=FOLDER python -m pytest tests/scons/test_oracle_backend.py`; else it is not collected.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG

if TYPE_CHECKING:
    from scons_project import Project

pytestmark = pytest.mark.oracle

# The library without its official command line: this makes the one from the other.
DRIVER = """\
#!/bin/sh
mode=infer
for word in "$@"; do
    case $word in
    --modelFile=*) model=${word#*=} ;;
    --outputFile=*) output=${word#*=}.ms ;;
    --configFile=*) config=${word#*=} ;;
    --trainModel=true) mode=train ;;
    esac
done
LD_LIBRARY_PATH=ORACLE/mindspore_lite/lib exec ORACLE/bin/convert "$model" "$output" $mode ${config:+"$config"}
"""
SCONSTRUCT = """\
env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json', MSLITE_BACKEND='converter_lite')
env['MSLITE_CONVERTER'] = 'tools/bin/converter_lite'
env.MSLiteModel('build/trained.ms', 'models/trained.mindir', MSLITE_TRAIN=True)
env.MSLiteModel('build/quantized.ms', 'models/lenet.mindir', MSLITE_CONFIG='models/lenet.cfg')
"""


@pytest.fixture
def official(project: Project) -> Project:
    oracle = Path(os.environ["MSLITE_ORACLE"]).resolve()
    project.write("tools/bin/converter_lite", DRIVER.replace("ORACLE", str(oracle))).chmod(0o755)
    (project.path / "tools/lib").symlink_to(oracle / "mindspore_lite" / "lib")
    project.model("models/trained.mindir", "lenet_momentum_mse")
    project.write("models/lenet.cfg", CONFIG)
    project.write("SConstruct", SCONSTRUCT)
    return project


def test_official_library_converts_through_the_same_graph(official: Project) -> None:
    assert sorted(official.build().converted) == ["quantized.ms", "trained.ms"]
    assert official.is_up_to_date()
    records = official.manifest()
    trained = records["build/trained.ms"]
    assert trained["converter"].startswith("converter_lite (sha256 ")
    assert "2.0.0" in trained["producer"]
    assert [each["shape"] for each in trained["inputs"]] == [[4, 32, 32, 1], [4, 10]]
    assert len(trained["labels"]) == 1
    assert trained["memory"]["training"] > trained["memory"]["inference"]
    float_bytes = (official.path / "models/lenet.mindir").stat().st_size
    assert records["build/quantized.ms"]["bytes"] < float_bytes // 2


def test_refusal_of_the_official_library_is_located(official: Project) -> None:
    (official.path / "models/trained.mindir").write_bytes(b"no model")
    ran = official.run("build/trained.ms")
    assert ran.code == 2
    assert ran.err.startswith("scons: *** [build/trained.ms] models/trained.mindir: error[E503]: converter_lite ")
    assert official.left_over() == []
