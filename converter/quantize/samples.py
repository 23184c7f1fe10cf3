"""Calibration samples: the files that a config names, as inputs of the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import Problem, Problems, fail
from converter.quantize.images import read_image

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Value
    from converter.options import CalibrationOptions

    Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Sample:
    """One run of the model: a file for each of its inputs."""

    inputs: tuple[Value, ...]
    files: tuple[Path, ...]
    options: CalibrationOptions

    def arrays(self) -> dict[str, Array]:
        """The inputs by name. Raises `ConversionError` E401 for a file that does not fit."""
        return {
            value.name: _array(value, file, self.options) for value, file in zip(self.inputs, self.files, strict=True)
        }

    def digest(self) -> bytes:
        """Hash of the files' bytes."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(hashlib.sha256(_read(file)).digest())
        return digest.digest()


def find_samples(model: Model, options: CalibrationOptions) -> list[Sample]:
    """The first `size` files of each directory, by name. Raises `ConversionError` E401 with everything that is wrong.

    Hidden files are no samples, and what is no file is not either.
    """
    graph, problems = model.main, Problems()
    _check_names(model, options, problems)
    folders = {name: _folder(beside, written) for name, beside, written in options.directories}
    listed: list[list[Path]] = []
    for value in graph.inputs:
        folder = folders.get(value.name)
        files = [] if folder is None else _files(folder)
        if folder is not None and len(files) < options.size:
            message = f"calibrate_size is {options.size}, {folder} has {_count(len(files))}"
            hint = f"add samples, or use calibrate_size={len(files)}" if files else "add samples"
            problems.add(Problem("E401", message, path=model.path, hint=hint))
        listed.append(files)
    problems.raise_if_any()
    inputs = tuple(graph.inputs)
    return [Sample(inputs, tuple(files[i] for files in listed), options) for i in range(options.size)]


def _count(files: int) -> str:
    return "no files" if not files else f"{files} file{'' if files == 1 else 's'}"


def _check_names(model: Model, options: CalibrationOptions, problems: Problems) -> None:
    """A directory for every input, and an input for every directory."""
    names = [value.name for value in model.main.inputs]
    given = [name for name, _, _ in options.directories]
    hint = f"the model's inputs are {', '.join(names)}"
    for name in given:
        if name not in names:
            problems.add(
                Problem("E401", f"calibrate_path names {name!r}, which is no model input", model.path, hint=hint)
            )
    for name in names:
        if name not in given:
            message = f"calibrate_path has no directory for the model input {name!r}"
            problems.add(Problem("E401", message, model.path, hint=f"add {name}:DIRECTORY to calibrate_path"))
    for name in sorted({name for name in given if given.count(name) > 1}):
        problems.add(
            Problem("E401", f"calibrate_path has several directories for {name!r}", model.path, hint="keep one")
        )


def _folder(beside: str, written: str) -> Path:
    """Where a directory is: beside the config file, else in the working directory."""
    return Path(beside) if Path(beside).is_dir() else Path(written)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as problem:
        raise fail("E401", f"cannot be read: {problem.strerror}", path=str(folder)) from problem


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise fail("E401", f"cannot be read: {problem.strerror}", path=str(file)) from problem


def _array(value: Value, file: Path, options: CalibrationOptions) -> Array:
    """One file as the input that it is for."""
    if options.input_type == "IMAGE":
        return _image(value, file, options)
    data = _read(file)
    shape, dtype = value.type.shape or (), value.type.dtype
    wanted = value.type.size * dtype.itemsize
    if len(data) != wanted:
        message = f"has {len(data)} bytes, the model input {value.name!r} of type {value.type} has {wanted}"
        raise fail("E401", message, path=str(file), hint="write the raw little-endian numbers of the whole input")
    return np.frombuffer(data, dtype.numpy).reshape(shape)


def _image(value: Value, file: Path, options: CalibrationOptions) -> Array:
    """An image for an input of one image, channels last."""
    pixels = read_image(_read(file), file, options)
    array = pixels.astype(value.type.dtype.numpy)[None]
    if array.shape != value.type.shape:
        message = f"becomes an image of {list(array.shape)}, the model input {value.name!r} wants {value.type}"
        raise fail("E401", message, path=str(file), hint="set resize, center_crop and image_to_format accordingly")
    return array


def check_calibratable(graph: Graph, path: str | None) -> None:
    """Inputs must have known shapes. Raises `ConversionError` E401."""
    for value in graph.inputs:
        if not value.type.is_static:
            raise fail("E401", f"the model input {value.name!r} has no fixed shape: {value.type}", path=path)
