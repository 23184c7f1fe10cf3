"""Work in a forked process: what goes wrong in one export ends with it."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def succeeds_apart(work: Callable[[], None], folder: str) -> bool:
    """Do the work in a process of its own, in a folder of its own, and say whether it got through."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(folder)  # MindSpore leaves rank_0/ and kernel_meta/ where it runs
            work()
            status = 0
        except BaseException:  # noqa: BLE001 — the child must never return into the loop of its parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0
