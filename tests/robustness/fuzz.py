"""Coverage-guided fuzzing of one reader: `python tests/robustness/fuzz.py {mindir,external,ms,config} [--runs N]`.

Needs `pip install atheris`. Whatever a reader raises but `ConversionError` stops the run; the input is then in a file
`crash-…` of the working directory. An input may take 10 seconds and 1 GiB. One million runs take an hour or so.
"""

from __future__ import annotations

import argparse
import atexit
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import atheris  # noqa: E402 - the project's own directory comes first

with atheris.instrument_imports(include=["converter"]):
    from targets import TARGETS, remove_folder, seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("reader", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=1_000_000)
    arguments = parser.parse_args()
    atexit.register(remove_folder)
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(arguments.reader)):
            (Path(corpus) / str(number)).write_bytes(data)
        limits = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=16384", f"-runs={arguments.runs}"]
        atheris.Setup([sys.argv[0], *limits, corpus], TARGETS[arguments.reader])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
