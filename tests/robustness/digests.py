"""Print the SHA-256 of what is written for the sample models, and of what is read back: `python digests.py`, JSON.

Run by dependencies.py in environments of other Pythons and other versions; it imports what a conversion imports and the
reader, nothing that only tests need.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> None:
    """Convert each sample, read the file, and print both digests by name."""
    from support.converted import convert_samples, samples, write_calibration  # noqa: PLC0415 - found from here on
    from support.models import structure  # noqa: PLC0415

    from converter.mslite.reader import read_model  # noqa: PLC0415

    digests = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in convert_samples(folder, samples(write_calibration(folder / "calibration"), every=False)):
            read = repr(structure(read_model(path))).encode()
            digests[path.stem] = [hashlib.sha256(data).hexdigest() for data in (path.read_bytes(), read)]
    json.dump(digests, sys.stdout, sort_keys=True)


if __name__ == "__main__":
    main()
