"""Files made to hurt: each ends with a located problem, within seconds and a fixed amount of memory."""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustness.hostile import CASES
from robustness.targets import TARGETS, seeds
from support.refusals import refusals

from converter.api import convert
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SECONDS = 30
MORE_MEMORY = 1 << 30


@contextmanager
def bounds() -> Iterator[None]:
    """A gigabyte more than now, and some seconds."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_MEMORY, limits[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("is_training", [False, True], ids=["infer", "train"])
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_model_is_refused_in_bounded_time_and_memory(tmp_path: Path, name: str, *, is_training: bool) -> None:
    content, codes = CASES[name]
    path = tmp_path / "net.mindir"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    with bounds():
        problems = refusals(lambda: convert(path, ConvertOptions(train=is_training)))
    assert {problem.path for problem in problems} <= {str(path)}
    allowed = {*codes, "E207"} if is_training else set(codes)
    assert {problem.code for problem in problems} <= allowed
    assert problems or not codes


def mutations(data: bytes) -> st.SearchStrategy[bytes]:
    """The file with a few bytes changed, cut out or doubled."""
    places = st.integers(0, max(len(data) - 1, 0))
    edits = st.lists(st.tuples(st.sampled_from("xcd"), places, st.integers(0, 255)), min_size=1, max_size=5)

    def changed(steps: list[tuple[str, int, int]]) -> bytes:
        out = bytearray(data)
        for kind, place, byte in steps:
            at = min(place, max(len(out) - 1, 0))
            if kind == "x" and out:
                out[at] = byte
            elif kind == "c":
                del out[at : at + byte]
            else:
                out[at:at] = out[at : at + byte]
        return bytes(out)

    return edits.map(changed)


@pytest.mark.parametrize("reader", TARGETS)
def test_changed_files_are_read_or_refused(reader: str) -> None:
    inputs = st.one_of(st.sampled_from(seeds(reader)).flatmap(mutations), st.binary(max_size=499))

    @given(inputs)
    @settings(max_examples=150, deadline=None)
    def run(data: bytes) -> None:
        TARGETS[reader](data)

    run()
