"""Where a node comes from, in the user's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

# MindSpore scopes name a cell as `attribute-Class`; the wrappers around the user's network say nothing to the user.
_WRAPPERS = re.compile(r"^(Default|Gradients|network-\w+|_backbone-\w+|_backbone|\w+-op\d+)$")


@dataclass(frozen=True)
class Origin:
    """Provenance of a node: the source operator and, for nodes that a pass made, the pass and the nodes it replaced."""

    path: str | None = None
    node: str | None = None
    op: str | None = None
    scope: str | None = None
    made_by: str | None = None
    parents: tuple[Origin, ...] = ()

    @property
    def module(self) -> str | None:
        """Dotted path of the user's cell (`backbone.conv1`), or None when the scope names none."""
        if not self.scope:
            return None
        parts = [part for part in self.scope.split("/")[:-1] if not _WRAPPERS.match(part)]
        return ".".join(part.split("-")[0].lstrip("_") for part in parts) or None

    def derived(self, made_by: str, *others: Origin) -> Origin:
        """Origin of a node that the pass `made_by` puts in place of this one (and of `others`)."""
        return Origin(self.path, self.node, self.op, self.scope, made_by, (self, *others))
