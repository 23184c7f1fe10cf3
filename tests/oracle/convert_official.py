"""Run the official converter: `convert_official.py MODEL.mindir OUT.ms [--train] [--config FILE] [--flag --fp16=on]`.

Prints how it ended (`status <code>` or `signal <name>`); exits 0 only for status 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from official import OracleError, convert, oracle_folder


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--train", action="store_true", help="trainModel=true")
    parser.add_argument("--config", type=Path, help="configFile")
    parser.add_argument("--flag", action="append", default=[], help="a flag of converter_lite: --flag=--fp16=on")
    parser.add_argument("--verbose", action="store_true", help="print the converter's log, too")
    parser.add_argument("--oracle", help="folder of the installed oracle")
    arguments = parser.parse_args()
    try:
        done = convert(
            oracle_folder(arguments.oracle),
            arguments.model,
            arguments.output,
            is_training=arguments.train,
            config=arguments.config,
            flags=arguments.flag,
        )
    except OracleError as error:
        sys.exit(str(error))
    if arguments.verbose:
        sys.stderr.write(done.log)
    sys.stdout.write(f"{done.ending}\n")
    return 0 if done.status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
