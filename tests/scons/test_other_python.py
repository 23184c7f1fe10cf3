"""What one Python has built is up to date for another: only matrix.py, which has two, runs this."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from scons_project import settings

if TYPE_CHECKING:
    from scons_project import Project


def test_what_one_python_built_is_up_to_date_for_another(project: Project) -> None:
    assert project.build().converted == ["lenet.ms"]
    ran = subprocess.run(
        [os.environ["TEST_OTHER_PYTHON"], "-m", "SCons", *project.words("models", "--debug=explain")],
        cwd=project.path,
        env=settings(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("scons: `models' is up to date.\n", "")
    assert project.is_up_to_date()
