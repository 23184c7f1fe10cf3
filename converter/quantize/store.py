"""Calibration statistics on disk: one small file per run, named by a hash of all that decides its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir.printer import model_text
from converter.output import replacing

if TYPE_CHECKING:
    from converter.ir import Model

    Array = np.ndarray[Any, np.dtype[Any]]

_FOLDER = "mslite-calibration"
_FORMAT = "1"  # another one makes all files of before unknown


class Store:
    """Remembers arrays under the digests of what they were computed from; without a workspace it remembers nothing."""

    def __init__(self, workspace: str, model: Model) -> None:
        """Hash the model, text and weights."""
        self._folder = Path(workspace) / _FOLDER if workspace else None
        self._base = _model_digest(model) if workspace else b""

    def recall(self, *parts: bytes) -> Array | None:
        """What was remembered under these parts; None also for a file that is damaged."""
        path = self._path(parts)
        if path is None or not path.is_file():
            return None
        try:
            found = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return found if isinstance(found, np.ndarray) else None

    def remember(self, array: Array, *parts: bytes) -> None:
        """Write the array. Raises `ConversionError` E120."""
        path = self._path(parts)
        if path is not None:
            with replacing(path) as file:
                np.save(file, array, allow_pickle=False)

    @property
    def is_on(self) -> bool:
        """Whether anything is remembered."""
        return self._folder is not None

    def _path(self, parts: tuple[bytes, ...]) -> Path | None:
        if self._folder is None:
            return None
        digest = hashlib.sha256(self._base)
        for part in parts:
            digest.update(hashlib.sha256(part).digest())
        return self._folder / f"{digest.hexdigest()}.npy"


def _model_digest(model: Model) -> bytes:
    digest = hashlib.sha256(_FORMAT.encode() + model_text(model).encode())
    for graph in model.graphs:
        for value in graph.constants():
            for chunk in value.const.chunks() if value.const is not None else ():
                digest.update(chunk)
    return digest.digest()
