"""docs/scons.md: its snippets build, and its table of variables is the tool's."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from scons_project import TREE

if TYPE_CHECKING:
    from scons_project import Project

TEXT = (TREE / "docs" / "scons.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n# SConstruct\n(.*?)```", TEXT, re.DOTALL)


EMBEDDING = (TREE / "docs" / "embedding.md").read_text(encoding="utf-8")


def test_embedding_page_builds_a_firmware(project: Project) -> None:
    [snippet] = re.findall(r"```python\n# SConstruct\n(.*?)```", EMBEDDING, re.DOTALL)
    [program] = re.findall(r"```c\n(.*?)```", EMBEDDING, re.DOTALL)
    project.write("SConstruct", snippet)
    project.write("src/main.c", program)
    project.build("build/firmware")
    assert subprocess.run([project.path / "build/firmware"], check=False).returncode == 0
    project.write("SConstruct", snippet.replace("512K", "64K"))
    ran = project.run("build/firmware")
    lines = ran.err.replace(str((project.path / "build/lenet.ms").stat().st_size), "SIZE").splitlines()
    [shown] = re.findall(r"```\n(scons: \*\*\* .*?)```", EMBEDDING, re.DOTALL)
    assert lines[:2] == [re.sub(r"\b120936\b", "SIZE", line) for line in shown.splitlines()]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_builds_and_then_is_up_to_date(project: Project, snippet: str) -> None:
    project.write("SConstruct", snippet)
    project.write("src/lenet_ms.S", '.globl lenet\nlenet:\n.incbin "build/lenet.ms"\n')
    assert len(project.build("models", ".").converted) == 1
    assert project.is_up_to_date()


def test_embedded_model_is_embedded_again_when_it_changes(project: Project) -> None:
    [snippet] = [text for text in SNIPPETS if "lenet_ms.S" in text]
    project.write("src/lenet_ms.S", '.globl lenet\nlenet:\n.incbin "build/lenet.ms"\n')
    for settings in ("", ", MSLITE_CONFIG='models/lenet.cfg'"):
        project.write("SConstruct", snippet.replace('.mindir"', f'.mindir"{settings}'))
        project.build("build/lenet_ms.o")
        model = (project.path / "build/lenet.ms").read_bytes()
        assert model in (project.path / "build/lenet_ms.o").read_bytes()


def test_every_variable_is_in_the_table(project: Project) -> None:
    documented = re.findall(r"^\| `(MSLITE\w*)` \|", TEXT, re.MULTILINE)
    explained = re.findall(r"^(MSLITE\w*) \(default", project.build("models-help").out, re.MULTILINE)
    assert documented == explained
