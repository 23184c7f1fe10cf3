"""Runs a float model over the calibration samples and gathers what a visitor says about each run.

Samples run side by side, one session and one thread per core (numpy lets go of Python's lock while it computes);
results are joined in the order of the samples, so that they do not depend on the number of cores.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from converter.reference import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from converter.ir import Model, Node, Value
    from converter.quantize.samples import Sample
    from converter.quantize.store import Store

    Array = np.ndarray[Any, np.dtype[Any]]
    Outputs = tuple[Array | None, ...]

# Called with what is done, how many steps of it, and how many there are.
Progress: TypeAlias = "Callable[[str, int, int], None]"


class Visitor(Protocol):
    """Sees all values of one run and sums them up."""

    def see(self, value: Value, array: Array) -> None:
        """Look at a graph input, or at an output of a node that has just run."""

    def leave(self, node: Node) -> None:
        """Called when a node has run and its outputs were seen."""

    def result(self) -> Array:
        """What is kept of the run."""


@dataclass
class Calibration:
    """The samples of one conversion, and the float model to run them through."""

    model: Model
    samples: Sequence[Sample]
    store: Store
    progress: Progress | None = None

    def run(self, label: str, key: bytes, visitor: Callable[[], Visitor]) -> list[Array]:
        """One visitor per sample; `key` names what it computes, and with what settings."""
        workers = max(1, min(_processors(), len(self.samples)))
        sessions: SimpleQueue[Session] = SimpleQueue()
        for _ in range(workers):
            sessions.put(Session(self.model))

        def one(sample: Sample) -> tuple[Array, bytes | None]:
            digest = sample.digest() if self.store.is_on else b""
            known = self.store.recall(key, digest)
            if known is not None:
                return known, None
            session = sessions.get()
            try:
                return _visit(session, sample, visitor()), digest
            finally:
                sessions.put(session)

        results: list[Array] = []
        with ThreadPoolExecutor(workers) as pool:
            for found, digest in pool.map(one, self.samples):
                if digest is not None:
                    self.store.remember(found, key, digest)
                results.append(found)
                if self.progress is not None:
                    self.progress(label, len(results), len(self.samples))
        return results


def _processors() -> int:
    """All of the machine; where a build shares them out among conversions, what it leaves to this one."""
    left = os.environ.get("OMP_NUM_THREADS", "")
    return int(left) if left.isdecimal() else os.cpu_count() or 1


def _visit(session: Session, sample: Sample, visitor: Visitor) -> Array:
    """Run one sample."""
    inputs = sample.arrays()
    for value in session.graph.inputs:
        visitor.see(value, inputs[value.name])

    def hook(_position: int, node: Node, outputs: Outputs) -> None:
        for value, array in zip(node.outputs, outputs, strict=False):
            if array is not None:
                visitor.see(value, array)
        visitor.leave(node)

    session.on_kernel = hook
    session.infer(inputs)
    session.on_kernel = None
    return visitor.result()
