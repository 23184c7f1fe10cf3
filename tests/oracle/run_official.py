"""Run a `.ms` in the official runtime: `run_official.py MODEL.ms INPUTS.npz OUTPUTS.npz [--oracle DIR]`.

INPUTS holds `in0`, `in1`, … in the order of the runtime's inputs (4-D ones NHWC). OUTPUTS gets `out0`, `out1`, … and
`names`, their tensor names.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from official import OracleError, oracle_folder, predict


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("--oracle", help="folder of the installed oracle")
    parser.add_argument("--timeout", type=float, default=120, help="seconds (default 120)")
    arguments = parser.parse_args()
    try:
        with np.load(arguments.inputs) as inputs:
            found = predict(oracle_folder(arguments.oracle), arguments.model, dict(inputs), arguments.timeout)
    except OracleError as error:
        sys.exit(str(error))
    arrays: dict[str, Any] = {f"out{index}": value for index, value in enumerate(found.values())}
    np.savez(arguments.outputs, names=np.array(list(found)), **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(main())
