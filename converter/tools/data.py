"""The user's arrays: an `.npz` file against the inputs of a model."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import fail
from converter.reference.user_arrays import LAYOUTS, user_inputs

if TYPE_CHECKING:
    import argparse

    from converter.reference import Session

    Array = np.ndarray[Any, np.dtype[Any]]


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, and where its inputs come from."""
    parser.add_argument("model", type=Path, metavar="MODEL.ms", help="the model")
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="D.npz",
        help="inputs: arrays in0, in1, … by the position of the MindIR's inputs, or by their names",
    )
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        default=LAYOUTS[0],
        help="order of the axes of images in the data and in the outputs; NCHW, as in the MindIR, by default",
    )


def read_inputs(arguments: argparse.Namespace, session: Session, *, training: bool) -> dict[str, Array]:
    """The inputs that a step (or a prediction) needs, from the file that the arguments name."""
    needed = session.needed_inputs(training=training)
    return user_inputs(session.graph, load_arrays(arguments.data), arguments.layout, str(arguments.data), needed)


def load_arrays(path: Path) -> dict[str, Array]:
    """All numeric arrays of an `.npz` file. Raises `ConversionError` E601."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise fail("E601", "is a single array; an .npz file with named arrays is needed", path=str(path))
        with archive:
            return {name: archive[name] for name in archive.files}
    except OSError as problem:
        raise fail("E601", f"cannot be read: {problem.strerror or problem}", path=str(path)) from problem
    except (ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise fail("E601", "is not an .npz file of plain arrays", path=str(path)) from problem
