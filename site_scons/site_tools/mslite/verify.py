"""`scons models-verify`: SCons never looks at a target's bytes again; this compares them with the manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from .signed import failed

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Nodes


def verify(target: Nodes, source: Nodes, env: Env) -> BuildError | None:  # noqa: ARG001 - SCons calls it by these names
    """Hash every model of the manifests; a damaged one is deleted, so that the next build makes it again."""
    top = Path(env.Dir("#").get_abspath())
    damaged = []
    count = 0
    for node in source:
        hashes = _hashes(Path(node.get_abspath()))
        if hashes is None:
            damaged.append(node.get_path().replace("\\", "/"))
            continue
        count += len(hashes)
        damaged += [name for name, sha256 in hashes.items() if _sha256(top / name) != sha256]
    for name in damaged:
        (top / name).unlink(missing_ok=True)
    if damaged:
        return failed("\n".join(f"{name}: error[E501]: damaged after it was built; deleted" for name in damaged))
    print(f"{count} models verified")  # noqa: T201 - what the user asked for
    return None


def _hashes(manifest: Path) -> dict[str, str] | None:
    """Return the SHA-256 of every model by its name; None for a manifest that is damaged itself."""
    try:
        models = json.loads(manifest.read_text(encoding="utf-8"))["models"]
        return {str(name): str(record["sha256"]) for name, record in models.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
