"""The firmware's C reader on damaged files, under the address and undefined-behavior sanitizers."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from sample_copy import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sample_copy import Sample

SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
STRICT = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
MUTATIONS, TRUNCATIONS = 180, 40


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[bytes]], list[str]]:
    """Return a function that gives the reader's verdict on each file content."""
    folder = tmp_path_factory.mktemp("reader")
    source = PROJECT / "sample_project/src"
    program = folder / "read_files"
    sources = [PROJECT / "tests/sample/read_files.c", source / "ms_reader.c"]
    subprocess.run(["gcc", *STRICT, *SANITIZE, "-I", source, "-o", program, *sources], check=True)

    def verdicts(contents: list[bytes]) -> list[str]:
        paths = [folder / f"{i}.ms" for i in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        ended = subprocess.run(
            [program, *paths],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
            check=False,
        )
        for path in paths:
            path.unlink()
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()

    return verdicts


@pytest.fixture(scope="session", params=["lenet_train", "lenet_infer_q8"])
def model(built_sample: Sample, request: pytest.FixtureRequest) -> bytes:
    return built_sample.built(f"models/{request.param}.ms").read_bytes()


def offsets_and_counts(model: bytes) -> list[int]:
    """Positions of words that look like structure: as an offset, forward or back, they stay inside the file."""
    words = struct.unpack(f"<{len(model) // 4}i", model[: len(model) // 4 * 4])
    return [4 * i for i, word in enumerate(words) if 0 < abs(word) < len(model)]


def mutations(model: bytes) -> Iterator[bytes]:
    size = len(model)
    chosen = random.Random(7)  # noqa: S311 - the same damage in each run
    values = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, size, size - 1, size - 4, 0x40000000]
    for at in chosen.sample(offsets_and_counts(model), MUTATIONS):
        word = struct.pack("<I", chosen.choice(values))
        yield model[:at] + word + model[at + 4 :]


def test_undamaged_model_is_read(read: Callable[[list[bytes]], list[str]], model: bytes) -> None:
    assert read([model]) == ["ok"]


def test_damaged_structure_never_leads_outside_the_file(read: Callable[[list[bytes]], list[str]], model: bytes) -> None:
    verdicts = read(list(mutations(model)))
    assert len(verdicts) == MUTATIONS
    # The others hit what the reader never looks at: attributes, quantization parameters, constants.
    assert len(verdicts) - verdicts.count("ok") >= MUTATIONS // 8
    assert len(set(verdicts)) >= 5


def test_truncated_model_is_refused(read: Callable[[list[bytes]], list[str]], model: bytes) -> None:
    chosen = random.Random(11)  # noqa: S311 - the same damage in each run
    lengths = [1, 4, 7, 8, 12, *chosen.sample(range(13, len(model) // 2), TRUNCATIONS)]
    verdicts = read([model[:length] for length in lengths])
    assert len(verdicts) == len(lengths)
    assert "ok" not in verdicts


def test_random_bytes_are_refused(read: Callable[[list[bytes]], list[str]]) -> None:
    chosen = random.Random(13)  # noqa: S311 - the same damage in each run
    verdicts = read([chosen.randbytes(4) + b"MSL2" + chosen.randbytes(509) for _ in range(23)])
    assert "ok" not in verdicts


def test_other_identifier_is_named(read: Callable[[list[bytes]], list[str]], model: bytes) -> None:
    assert read([model[:4] + b"MSL1" + model[8:]]) == ["the identifier is not MSL2"]
