"""`mslite train`: train a model on one batch as the device would, and print the loss of every step."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from converter.mslite.reader import read_model
from converter.reference import Session
from converter.reference.layouts import saved_variables
from converter.tools.data import add_data_arguments, read_inputs
from converter.tools.results import write_arrays, write_json

SUMMARY = "train a model on one batch and print the losses"
DESCRIPTION = """\
Train MODEL.ms for N steps on the one batch in D.npz, exactly as the device's training
runtime does, and print the loss of every step.

The JSON file holds {"losses": [...]}, one number for each step. The saved weights carry
the names of the MindIR's parameters; convolution kernels, and the optimizer slots that
belong to them, have the MindIR's layout."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    add_data_arguments(parser)
    parser.add_argument("--steps", required=True, type=_positive, metavar="N", help="how many steps to train")
    parser.add_argument("--json", type=Path, metavar="F", help="write the losses to this file")
    parser.add_argument(
        "--save-weights",
        type=Path,
        metavar="W.npz",
        help="write weights, optimizer slots and moving averages to this file",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        message = f"{text!r} is not a positive whole number"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def execute(arguments: argparse.Namespace) -> None:
    """Train, print, save. Raises `ConversionError`."""
    session = Session(read_model(arguments.model))
    inputs = read_inputs(arguments, session, training=True)
    losses: list[float | None] = []
    for step in range(1, arguments.steps + 1):
        _show_progress(step, arguments.steps)
        found = session.step(inputs).losses
        losses.append(found[0] if found else None)
        sys.stdout.write(
            f"step {step}: loss {found[0]:.9g}\n" if found else f"step {step}: no loss among the outputs\n"
        )
    _show_progress(None, arguments.steps)
    if arguments.json is not None:
        content: dict[str, Any] = {"losses": losses}
        write_json(arguments.json, content)
    if arguments.save_weights is not None:
        write_arrays(arguments.save_weights, saved_variables(session))


def _show_progress(step: int | None, steps: int) -> None:
    """A line on the terminal that overwrites itself; nothing when the losses themselves go to that terminal."""
    if sys.stderr.isatty() and not sys.stdout.isatty():
        sys.stderr.write("\r\033[K" if step is None else f"\rtraining: step {step} of {steps}")
        sys.stderr.flush()
