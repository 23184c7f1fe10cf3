"""`mslite run`: run a model once and write its outputs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from converter.mslite.reader import read_model
from converter.reference import Session
from converter.reference.user_arrays import user_outputs
from converter.tools.data import add_data_arguments, read_inputs
from converter.tools.results import write_json

if TYPE_CHECKING:
    import argparse

SUMMARY = "run a model once and write its outputs"
DESCRIPTION = """\
Run MODEL.ms once on the arrays in D.npz and write the outputs.

A model that trains is run as the device evaluates it: only what its prediction needs,
without an update, and without the labels.

The JSON file holds {"outputs": {name: nested list, ...}} in the order of the MindIR's
outputs, images in the order of axes that --layout says; without --json it goes to the terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    add_data_arguments(parser)
    parser.add_argument("--json", type=Path, metavar="F", help="write the outputs to this file")


def execute(arguments: argparse.Namespace) -> None:
    """Run and write. Raises `ConversionError`."""
    session = Session(read_model(arguments.model))
    inputs = read_inputs(arguments, session, training=False)
    outputs = {name: values.tolist() for name, values in user_outputs(session, inputs, arguments.layout).items()}
    if arguments.json is not None:
        write_json(arguments.json, {"outputs": outputs})
        return
    for name, values in outputs.items():
        sys.stdout.write(f"{name}: {values}\n")
