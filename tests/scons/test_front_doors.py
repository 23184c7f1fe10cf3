"""Every front door: the sample builds, an edited model reaches the program, and the documentation's files are those."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

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
from scons_project import TREE

if TYPE_CHECKING:
    from collections.abc import Callable

# Real build scripts of RT-Thread, where somebody has them; see docs/front_doors/rtthread.md.
RTTHREAD_TOOLS = os.environ.get("MSLITE_RTTHREAD_TOOLS")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, installed by pip into a directory of its own."""
    tree = distribution_tree(tmp_path_factory.mktemp("distribution"))
    path = tmp_path_factory.mktemp("site")
    install_distribution(tree, path)
    return path


def _scons(directory: Path, *words: str, **more: str) -> str:
    return run(directory, sys.executable, "-m", "SCons", "-Q", *words, **more)


def _check(sample: Path, program: str, model: str, build: Callable[[], str]) -> None:
    """Build, build again, and build with another model."""
    assert f"MSLITE {model}" in build()
    assert shown_by(sample / program, sample / model)
    assert "MSLITE" not in build()
    replace_model(sample)
    assert f"MSLITE {model}" in build()
    assert shown_by(sample / program, sample / model)
    (sample.parent / "models/tiny.mindir").write_text("not a model", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"tiny\.mindir: error\[E3"):
        build()


def test_pip_carries_tool_and_converter(site: Path) -> None:
    tool = sorted(path.name for path in (site / "scons_mslite/site_tools/mslite").glob("*.py"))
    assert tool == sorted(path.name for path in (TREE / "site_scons/site_tools/mslite").glob("*.py"))
    converter = {path.relative_to(site) for path in (site / "converter").rglob("*.py")}
    assert converter == {path.relative_to(TREE) for path in (TREE / "converter").rglob("*.py")}
    assert [path for path in site.rglob("*") if path.name in {"tests", "samples", "sample_project"}] == []
    where = run(site, sys.executable, "-c", "import scons_mslite; print(scons_mslite.toolpath())", PYTHONPATH=str(site))
    assert Path(where.strip()) == site / "scons_mslite/site_tools"


def test_checkout_has_the_same_tool_path(tmp_path: Path) -> None:
    where = run(tmp_path, sys.executable, "-c", "import scons_mslite as s; print(s.toolpath())", PYTHONPATH=str(TREE))
    assert Path(where.strip()) == TREE / "site_scons/site_tools"


@pytest.mark.parametrize("source", ["sample", "docs"])
def test_pip_sample_builds(site: Path, tmp_path: Path, source: str) -> None:
    sample = copy_sample("pip", tmp_path)
    if source == "docs":
        write_snippets("pip.md", sample)
    _check(sample, "build/program", "build/tiny.ms", lambda: _scons(sample, PYTHONPATH=str(site)))


def test_in_tree_page_builds(tmp_path: Path, tree: Path) -> None:
    sample = copy_sample("pip", tmp_path)
    write_snippets("in_tree.md", sample)
    for name in ("converter", "site_scons"):
        shutil.copytree(tree / name, sample / name)
    _check(sample, "build/program", "build/tiny.ms", lambda: _scons(sample))


@pytest.mark.parametrize("scripts", ["stand-in", *(["real"] if RTTHREAD_TOOLS else [])])
@pytest.mark.parametrize("source", ["sample", "docs"])
def test_rtthread_sample_builds(site: Path, tmp_path: Path, source: str, scripts: str) -> None:
    sample = copy_sample("rtthread", tmp_path)
    if source == "docs":
        write_snippets("rtthread.md", sample)
    root = {"RTT_ROOT": str(_rtthread(tmp_path / "rt-thread"))} if scripts == "real" else {}
    _check(sample, "rtthread.elf", "build/models/tiny.ms", lambda: _scons(sample, PYTHONPATH=str(site), **root))


def test_rtthread_option_leaves_the_models_out(site: Path, tmp_path: Path) -> None:
    sample = copy_sample("rtthread", tmp_path)
    options = (sample / "rtconfig.h").read_text(encoding="utf-8")
    (sample / "rtconfig.h").write_text(options.replace("#define PKG_USING_MSLITE_MODELS\n", ""), encoding="utf-8")
    (sample / "applications/main.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    assert "MSLITE" not in _scons(sample, PYTHONPATH=str(site))


def _rtthread(root: Path) -> Path:
    """A tree with RT-Thread's real build scripts, and a kernel without a source."""
    assert RTTHREAD_TOOLS is not None
    shutil.copytree(RTTHREAD_TOOLS, root / "tools")
    for name in ("src", "libcpu", "components"):
        (root / name).mkdir()
        (root / name / "SConscript").write_text("objs = []\nReturn('objs')\n", encoding="utf-8")
    return root


def test_wheel_is_the_same_wherever_it_is_built(tmp_path: Path) -> None:
    names = []
    for place in ("one", "two"):
        tree = distribution_tree(tmp_path / place)
        command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "."]
        run(tree, sys.executable, *command)
        [wheel] = tree.glob("*.whl")
        names.append([(entry.filename, entry.CRC) for entry in zipfile.ZipFile(wheel).infolist()])
    assert names[0] == names[1]
