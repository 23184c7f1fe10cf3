"""Export the cases of the table with the MindSpore of the running Python, and record what it computes.

    python export.py --out DIR [--case NAME ...] [--set small|sample|networks|inference|all] [--list]

Every case runs in its own forked process: node names count up within a process, and a case must not depend on the
ones before it; a crash inside MindSpore costs one case only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from apart import succeeds_apart
from cases import CASES, SAMPLE, Case

if TYPE_CHECKING:
    from mindspore import nn

SETS = ("small", "sample", "networks", "inference", "all")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, help="folder for <case>.mindir and <case>.npz")
    parser.add_argument("--case", nargs="+", default=[], metavar="NAME", help="only these cases")
    parser.add_argument("--set", choices=SETS, default="small", help="default: small")
    parser.add_argument("--list", action="store_true", help="print the table and stop")
    return parser.parse_args()


def choose(arguments: argparse.Namespace) -> list[Case]:
    """Return the wanted cases in table order."""
    if not arguments.case:
        if arguments.set == "sample":
            return [case for case in CASES if case.name in SAMPLE]
        wanted = ("small", "networks") if arguments.set == "all" else (arguments.set,)
        return [case for case in CASES if case.size in wanted]
    known = {case.name: case for case in CASES}
    unknown = [name for name in arguments.case if name not in known]
    if unknown:
        sys.exit(f"no such case: {', '.join(unknown)} (see --list)")
    return [known[name] for name in arguments.case]


def export_case(case: Case, folder: Path) -> None:
    """Build, export, run and record one case in this process."""
    import mindspore
    import numpy as np
    from losses import LOSSES
    from net import make_inputs
    from nets import NETS
    from record import record

    mindspore.set_seed(1)
    mindspore.context.set_context(mode=mindspore.context.GRAPH_MODE, device_target="CPU")
    rng = np.random.RandomState(zlib.crc32(case.net.encode()) + 1)
    inputs = make_inputs(NETS[case.net], rng)
    if case.loss is not None:
        inputs.append(LOSSES[case.loss].label(NETS[case.net].output, rng))
    cell = build(case)
    record(case, cell, cell if case.runner == case else build(case.runner), inputs, folder)


def build(case: Case) -> nn.Cell:
    """Make the network of a case, or its whole training step."""
    import numpy as np
    from losses import LOSSES
    from nets import NETS
    from optimizers import OPTIMIZERS
    from record import randomize
    from steps import STEPS

    net = NETS[case.net].build()
    randomize(net, np.random.RandomState(zlib.crc32(case.net.encode())), NETS[case.net])
    if not case.is_training:
        return net
    loss = None if case.loss is None else LOSSES[case.loss].build()
    return STEPS[case.step](net, loss, OPTIMIZERS[case.optimizer](net))


def main() -> int:
    arguments = parse_arguments()
    chosen = choose(arguments)
    if arguments.list:
        for case in chosen:
            refused = "".join(f"  [not {version}: {reason}]" for version, reason in case.refused.items())
            print(f"{case.size:9} {case.name}{refused}")
        return 0
    if arguments.out is None:
        sys.exit("--out is needed")
    os.environ.setdefault("GLOG_v", "3")  # only MindSpore's errors; read when it is imported
    import mindspore

    arguments.out.mkdir(parents=True, exist_ok=True)
    failed, refused = [], []
    for case in chosen:
        if mindspore.__version__ in case.refused:
            print(f"refused {case.name}: {case.refused[mindspore.__version__]}", flush=True)
            refused.append(case.name)
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            worked = succeeds_apart(partial(export_case, case, arguments.out.resolve()), scratch)
        print(f"{'ok     ' if worked else 'FAILED '} {case.name} {time.monotonic() - start:.1f} s", flush=True)
        if not worked:
            failed.append(case.name)
            for suffix in (".mindir", "_graph.mindir", ".npz"):  # an export without its recording proves nothing
                (arguments.out / f"{case.name}{suffix}").unlink(missing_ok=True)
    worked_count = len(chosen) - len(failed) - len(refused)
    print(f"MindSpore {mindspore.__version__}: {worked_count} exported, {len(refused)} refused, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
