"""Where the converter lives: beside `site_scons`, or installed. Makes it importable, and knows its fingerprint."""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path

from .complaint import complain

# site_scons/site_tools/mslite/home.py → the tree that holds site_scons/ and converter/
_TREE = Path(__file__).resolve().parents[3]


@lru_cache(maxsize=1)
def find_root() -> Path | None:
    """Return the directory that contains the package `converter`, or None; the tree of this tool wins."""
    if (_TREE / "converter" / "fingerprint.py").is_file():
        return _TREE
    spec = importlib.util.find_spec("converter")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parents[1]


def require() -> Path:
    """Return `find_root()` and make `import converter` find it there; UserError when there is no converter."""
    root = find_root()
    if root is None:
        raise complain(
            "the package 'converter' is neither beside site_scons nor installed for "
            f"{sys.executable}; keep the two directories together, or install it with pip",
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return root


@lru_cache(maxsize=1)
def version_text() -> str:
    """Return `0.1.0 (code 1f2e3d4c5b6a)`: what a signature says about the converter. Hashed once per run."""
    root = require()
    from converter.fingerprint import code_hash  # noqa: PLC0415 - importable only after require()
    from converter.version import __version__  # noqa: PLC0415

    return f"{__version__} (code {code_hash(root / 'converter')[:16]})"
