"""Results as files, each written whole or not at all."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.output import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[Any]]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One JSON object, ended by a newline."""
    with replacing(path) as file:
        file.write((json.dumps(content, ensure_ascii=False) + "\n").encode())


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """An `.npz` file; the name is taken as it is, and the same arrays give the same bytes."""
    # Not np.savez(**arrays): a parameter may be called `file`.
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, values in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(values, order="C"), allow_pickle=False)
