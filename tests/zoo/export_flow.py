"""Export the networks of `flow_nets` with the MindSpore of the running Python, and record every run.

    python export_flow.py --out DIR [--case NAME ...]

`<case>.mindir` is the model; `<case>.npz` holds `run0/in0`, `run0/out0`, `run1/in0`, …
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zlib
from functools import partial
from pathlib import Path

from apart import succeeds_apart


def export_case(name: str, folder: Path) -> None:
    """Build, export, run and record one network."""
    import mindspore
    import numpy as np
    from flow_nets import FLOWS
    from net import Net
    from record import READABLE, randomize

    mindspore.context.set_context(mode=mindspore.context.GRAPH_MODE, device_target="CPU")
    build, runs = FLOWS[name]
    cell = build()
    randomize(cell, np.random.RandomState(zlib.crc32(name.encode())), Net(build, (), ()))
    cell.set_train(mode=False)
    kinds = declared(runs)
    if any(None in (kind.shape or ()) or -1 in (kind.shape or ()) for kind in kinds):
        cell.set_inputs(*kinds)
    target = folder / name
    mindspore.export(cell, *kinds, file_name=str(target), file_format="MINDIR")
    target.with_suffix(".mindir").chmod(READABLE)
    recorded = {}
    for index, arrays in enumerate(runs):
        results = cell(*(mindspore.Tensor(array) for array in arrays))
        outputs = results if isinstance(results, tuple) else (results,)
        recorded.update({f"run{index}/in{i}": array for i, array in enumerate(arrays)})
        recorded.update({f"run{index}/out{i}": output.asnumpy() for i, output in enumerate(outputs)})
    np.savez(target.with_suffix(".npz"), **recorded)


def declared(runs: tuple) -> list:
    """What the network is exported with: a dimension in which runs differ is unknown."""
    import mindspore

    found = []
    for arrays in zip(*runs):  # noqa: B905 — the oldest Python here has no strict=
        sizes = zip(*(array.shape for array in arrays))  # noqa: B905 — as above
        shape = [dims[0] if len(set(dims)) == 1 else None for dims in sizes]
        kind = mindspore.dtype.pytype_to_dtype(arrays[0].dtype.type)
        is_dynamic = None in shape
        found.append(mindspore.Tensor(shape=shape, dtype=kind) if is_dynamic else mindspore.Tensor(arrays[0]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--case", nargs="+", default=[], metavar="NAME")
    arguments = parser.parse_args()
    from flow_names import FLOW_CASES

    folder = arguments.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        failed = [
            name
            for name in arguments.case or FLOW_CASES
            if not succeeds_apart(partial(export_case, name, folder), scratch)
        ]
    print(f"failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
