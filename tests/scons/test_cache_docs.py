"""docs/cache.md: its snippets build, and its server is the tested one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cache_checkouts import needs_custom_caches
from cache_servers import NGINX, free_port
from scons_project import TREE

if TYPE_CHECKING:
    from scons_project import Project

pytestmark = needs_custom_caches


PAGE = (TREE / "docs" / "cache.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n# SConstruct\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["directory", "server", "cluster"])
def test_snippet_of_the_page_builds(project: Project, snippet: str) -> None:
    """No server and no scheduler is at the address of the snippet: a line, and a build."""
    port = str(free_port())
    project.write("SConstruct", snippet.replace("8080", port).replace("8786", port))
    ran = project.build()
    assert ran.converted == ["lenet.ms"]
    assert len(ran.err.splitlines()) == (port in snippet.replace("8080", port).replace("8786", port))
    project.build("-c", "models")
    assert (project.build().converted == []) == ("cache" in snippet)


def test_configuration_of_nginx_on_the_page_is_the_tested_one() -> None:
    [shown] = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    lines = {line.strip() for line in shown.splitlines()}
    assert lines - {"listen 127.0.0.1:8080;", "root /srv/models;"} <= {
        line.strip().replace("{{", "{").replace("}}", "}") for line in NGINX.splitlines()
    }
