"""The sample for PlatformIO, built by the real `platformio` of PyPI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from front_doors import (
    copy_sample,
    distribution_tree,
    install_distribution,
    replace_model,
    run,
    shown_by,
    write_snippets,
)

# A Python environment with platformio, for whoever has one; CI lets the test make it.
PLATFORMIO = os.environ.get("MSLITE_PLATFORMIO")
IS_DEMANDED = os.environ.get("MSLITE_REQUIRE_FRONT_DOORS") == "1"
SCONS_PY = """\
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parent / "scons-local"))
import SCons.Script
SCons.Script.main()
"""
pytestmark = pytest.mark.skipif(
    not (PLATFORMIO or IS_DEMANDED),
    reason="needs platformio: MSLITE_REQUIRE_FRONT_DOORS=1 installs it, MSLITE_PLATFORMIO names an environment",
)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds platformio, and what the converter needs."""
    if PLATFORMIO:
        return Path(PLATFORMIO) / "bin" / "python"
    place = tmp_path_factory.mktemp("platformio")
    _run([sys.executable, "-m", "venv", str(place)])
    path = place / "bin" / "python"
    _run([str(path), "-m", "pip", "install", "--quiet", "platformio", "numpy", "flatbuffers", "protobuf"])
    return path


def _run(command: list[str]) -> str:
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def core(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PlatformIO's directory, with its package of SCons made again from PyPI's SCons of the version it asks for."""
    asked = "from platformio.dependencies import get_core_dependencies as d; print(d()['tool-scons'])"
    wanted = _run([str(python), "-c", asked]).strip().lstrip("~")
    # 4.41101.0 stands for SCons 4.11.1: three digits a part.
    packed = wanted.split(".")[1]
    version = f"4.{int(packed[1:3]) if len(packed) == 5 else int(packed[0])}.{int(packed[-2:])}"
    home = tmp_path_factory.mktemp("core")
    package = home / "packages" / "tool-scons"
    package.mkdir(parents=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(package / "scons-local")]
    _run([*command, f"scons=={version}"])
    (package / "scons.py").write_text(SCONS_PY, encoding="utf-8")
    facts = {"name": "tool-scons", "version": wanted, "description": "SCons", "system": "*"}
    (package / "package.json").write_text(json.dumps(facts), encoding="utf-8")
    spec = {"owner": "platformio", "id": None, "name": "tool-scons", "requirements": None, "uri": None}
    installed = {"type": "tool", "name": "tool-scons", "version": wanted, "spec": spec}
    (package / ".piopm").write_text(json.dumps(installed), encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site")
    install_distribution(distribution_tree(tmp_path_factory.mktemp("distribution")), path)
    return path


class Pio:
    """`pio` in a copy of the sample."""

    def __init__(self, sample: Path, python: Path, core: Path, site: Path) -> None:
        self.sample = sample
        self._command = [str(python), "-m", "platformio"]
        self._settings = {
            "PYTHONPATH": str(site),
            "PLATFORMIO_CORE_DIR": str(core),
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
            "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "365",
        }

    def run(self, *words: str) -> str:
        return run(self.sample, *self._command, "run", *words, **self._settings)


@pytest.mark.parametrize("source", ["sample", "docs"])
def test_platformio_sample_builds(tmp_path: Path, python: Path, core: Path, site: Path, source: str) -> None:
    sample = copy_sample("platformio", tmp_path)
    if source == "docs":
        write_snippets("platformio.md", sample)
    shutil.rmtree(core / "platforms", ignore_errors=True)
    pio = Pio(sample, python, core, site)
    model = ".pio/build/sim/models/tiny.ms"
    assert f"MSLITE {model}" in pio.run()
    assert shown_by(sample / ".pio/build/sim/program", sample / model)
    assert "MSLITE" not in pio.run()
    replace_model(sample)
    out = pio.run()
    assert f"MSLITE {model}" in out
    assert "Linking .pio/build/sim/program" in out
    assert "main.o" not in out
    assert shown_by(sample / ".pio/build/sim/program", sample / model)
    assert "1 models verified" in pio.run("-t", "models-verify")
    (sample / model).unlink()
    assert f"MSLITE {model}" in pio.run("-t", "mslite")
