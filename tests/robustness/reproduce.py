"""The same bytes everywhere: `python tests/robustness/reproduce.py PYTHON …`.

Every interpreter that is named (of any version, with any supported numpy, protobuf and flatbuffers installed) converts
recorded models, each with a hash seed, locale, time zone, umask and working directory of its own. Prints one line for
each; exits 1 when two of them do not agree.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SURROUNDINGS = (
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati"},
    {"PYTHONHASHSEED": "random", "LC_ALL": "POSIX", "TZ": "America/St_Johns", "PYTHONUTF8": "1"},
)
PROGRAM = """
import hashlib, os, pathlib, platform, sys
os.umask(int(sys.argv[1], 8))
sys.path.insert(0, sys.argv[2])
import flatbuffers, google.protobuf, numpy
from converter.api import convert_file
from converter.options import ConvertOptions
total = hashlib.sha256()
for path in sorted(pathlib.Path(sys.argv[2], "tests/zoo/data").glob("*/*.mindir"))[:: int(sys.argv[3])]:
    target = pathlib.Path(path.stem + ".ms")
    convert_file(path, target, ConvertOptions(train=not path.stem.endswith("_infer")))
    total.update(target.read_bytes())
print(total.hexdigest(), platform.python_version(), end=" ")
print("numpy", numpy.__version__, "protobuf", google.protobuf.__version__, "flatbuffers", flatbuffers.__version__)
"""
EVERY = 11


def main() -> int:
    lines: list[str] = []
    for python in sys.argv[1:]:
        for surroundings, umask in zip(SURROUNDINGS, ("022", "077", "002"), strict=True):
            with tempfile.TemporaryDirectory() as folder:
                words = [python, "-c", PROGRAM, umask, str(ROOT), str(EVERY)]
                done = subprocess.run(
                    words, cwd=folder, env={**os.environ, **surroundings}, capture_output=True, text=True, check=False
                )
            lines.append(done.stdout.strip() or done.stderr[-500:])
            sys.stdout.write(f"{lines[-1]}  {surroundings['LC_ALL']} {surroundings['TZ']}\n")
    return int(len({line.split(" ")[0] for line in lines}) != 1)


if __name__ == "__main__":
    sys.exit(main())
