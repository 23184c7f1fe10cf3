"""Export the networks of `flow_nets` with the MindSpore of the running Python, and record every run.

    python export_flow.py --out DIR [--case NAME ...]

`<case>.mindir` is the model; `<case>.npz` holds `run0/in0`, `run0/out0`, `run1/in0`, …
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
import zlib
from pathlib import Path


def export_case(name: str, folder: Path) -> None:
    """Build, export, run and record one network."""
    import mindspore
    import numpy as np
    from flow_nets import FLOWS, declared
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


def export_apart(name: str, folder: Path, scratch: str) -> bool:
    """Run `export_case` in a forked process and say whether it worked."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(scratch)  # MindSpore leaves rank_0/ and kernel_meta/ where it runs
            export_case(name, folder)
            status = 0
        except BaseException:  # noqa: BLE001 — the child must never return into the loop of its parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--case", nargs="+", default=[], metavar="NAME")
    arguments = parser.parse_args()
    from flow_names import FLOW_CASES

    folder = arguments.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        failed = [name for name in arguments.case or FLOW_CASES if not export_apart(name, folder, scratch)]
    print(f"failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
