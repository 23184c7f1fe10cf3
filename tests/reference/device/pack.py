"""Pack recordings of the device runtime for the tests: `python pack.py RECORDINGS`.

RECORDINGS is the folder of recordings that the project's facts call `device`. One `.tar.xz` per kind goes beside this
file: `train` and `quirks` (files that run, with every kernel's output), `recipes` (compositions with their losses),
`accept` and `refuse` (odd files and what the device does with them); `names.json` lists the models in them. The same
recordings give the same bytes.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

KINDS = ("train", "quirks", "recipes", "accept", "refuse")
_HERE = Path(__file__).parent


def pack(source: Path, target: Path) -> list[str]:
    """All files of a folder, by name, without owners and times; returns the names of the models."""
    with tarfile.open(target, "w:xz", preset=9, format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(source.iterdir()):
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            member.mode = 0o644
            with path.open("rb") as file:
                archive.addfile(member, file)
    return sorted(path.stem for path in source.glob("*.ms"))


if __name__ == "__main__":
    names = {kind: pack(Path(sys.argv[1]) / kind, _HERE / f"{kind}.tar.xz") for kind in KINDS}
    (_HERE / "names.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
