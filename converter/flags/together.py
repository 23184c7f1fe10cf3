"""Flags that do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OTHER_TYPES = ("INT8", "UINT8", "INT32", "INT64")


def conflicts(values: Mapping[str, str]) -> Iterator[Problem]:
    """Every conflict among the values of the flags, by name."""
    if values["trainModel"] == "true":
        yield from _conflicts_with_training(values)
    if values["encryption"] == "true" and not values["encryptKey"]:
        message = "--encryptKey is missing, which --encryption=true needs"
        yield Problem("E104", message, hint="add '--encryptKey=env:VARIABLE', or leave out '--encryption'")


def _conflicts_with_training(values: Mapping[str, str]) -> Iterator[Problem]:
    if values["fp16"] == "on":
        message = "--fp16=on does not go with --trainModel=true: the training runtime reads float16 weights as float32"
        yield Problem("E105", message, hint="leave out '--fp16'")
    for name in ("inputDataType", "outputDataType"):
        if values[name] in _OTHER_TYPES:
            message = f"--{name}={values[name]} does not go with --trainModel=true: training computes with float32"
            yield Problem("E103", message, hint=f"use '--{name}=FLOAT', or leave it out")
