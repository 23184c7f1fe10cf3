"""Damaged `.ms` files: whatever bytes they hold, reading and compiling them either works or is a located refusal."""

from __future__ import annotations

import random

import pytest
from recordings import folder

from converter.errors import ConversionError, Problem
from converter.mslite.reader import parse_model, read_model
from converter.reference import Session

MODELS = ("loss_sce_sparse_mean_train", "layer_maxpool_same_train", "opt_adam_train")
TRIES = 150


@pytest.mark.parametrize("name", MODELS)
def test_changed_bytes_never_raise_anything_else(name: str) -> None:
    whole = (folder("train") / f"{name}.ms").read_bytes()
    generator = random.Random(name)  # noqa: S311 - repeatable, not secret
    problems: list[Problem] = []
    for _ in range(TRIES):
        damaged = bytearray(whole)
        for _ in range(generator.choice([1, 2, 20])):
            damaged[generator.randrange(min(len(damaged), 4000))] = generator.choice([0, 1, 255])
        try:
            Session(parse_model(bytes(damaged), "model.ms"))
        except ConversionError as refusal:
            problems.extend(refusal.problems)
    assert {problem.path for problem in problems} == {"model.ms"}
    assert "E310" in {problem.code for problem in problems} <= {"E310", "E602"}


@pytest.mark.parametrize("length", [0, 3, 8, 100, 5000])
def test_a_cut_file_is_refused(length: int) -> None:
    whole = (folder("train") / f"{MODELS[0]}.ms").read_bytes()
    with pytest.raises(ConversionError, match="E310"):
        parse_model(whole[:length], "model.ms")


def test_constants_are_views_on_the_file() -> None:
    model = read_model(folder("train") / f"{MODELS[0]}.ms")
    session = Session(model)
    for values in session.constants().values():
        assert not values.flags.owndata
        assert not values.flags.writeable
