"""Where the bytes of constants are: in the `.mindir`, or in the split weight files beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.encryption import is_encrypted
from converter.ir import FileTensor, MappedTensor, Tensor
from converter.ir.input_file import InputFile
from converter.mindir.attributes import UndecodableError, type_of
from converter.mindir.decrypted import DecryptedFile
from converter.mindir.external import is_inside

if TYPE_CHECKING:
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import TensorProto
    from converter.encryption import Decryption
    from converter.ir import TensorType


class MissingDataError(Exception):
    """The bytes of a tensor cannot be had; `code` is the problem code.

    `is_of_file` says that no tensor of that file can be had: a problem of the file, and one for all of them.
    """

    def __init__(self, code: str, message: str, *, is_of_file: bool = False) -> None:
        """Keep the problem code beside the message."""
        super().__init__(message)
        self.code = code
        self.is_of_file = is_of_file


@dataclass
class TensorSource:
    """Opens each weight file once and hands out tensors whose bytes stay there."""

    file: InputFile
    decryption: Decryption | None = None
    others: dict[str, InputFile] = field(default_factory=dict)

    @property
    def files(self) -> tuple[InputFile, ...]:
        """The model file and the split weight files that its tensors are in."""
        return self.file, *self.others.values()

    def tensor(self, proto: TensorProto) -> Tensor:
        """The constant, its bytes unread. Raises `MissingDataError` or `UndecodableError`."""
        kind = type_of(proto)
        if proto.compression_type:
            raise UndecodableError("a tensor with compressed weights")
        if not kind.is_static or kind.shape is None:
            raise UndecodableError(f"a constant of unknown shape {kind}")
        if proto.HasField("external_data"):
            return self._external(proto, kind)
        if proto.HasField("raw_offset"):
            _check_extent(kind, proto.raw_offset, proto.raw_length, len(self.file), "the model file")
            return FileTensor(kind.dtype, kind.shape, self.file, proto.raw_offset)
        # Short messages are parsed whole; their few bytes are the protobuf's own copy.
        _check_extent(kind, 0, len(proto.raw_data), len(proto.raw_data), "the model file")
        return MappedTensor(kind.dtype, kind.shape, proto.raw_data, 0)

    def _external(self, proto: TensorProto, kind: TensorType) -> FileTensor:
        """A tensor in a split weight file; the location is relative to the directory of the `.mindir`."""
        external = proto.external_data
        file = self._open(external.location)
        length = external.length if external.HasField("length") else kind.size * kind.dtype.itemsize
        _check_extent(kind, external.offset, length, len(file), external.location)
        return FileTensor(kind.dtype, kind.shape or (), file, external.offset)

    def _open(self, location: str) -> InputFile:
        """Open a weight file, once."""
        if location in self.others:
            return self.others[location]
        path = self.file.path.parent / location
        if not is_inside(location) or not _is_beside(path, self.file.path):
            message = f"the weights are in {location!r}, outside the directory of the model"
            raise MissingDataError("E306", message, is_of_file=True)
        try:
            file = InputFile(path)
            if self.decryption is not None and is_encrypted(file):
                file = DecryptedFile(path, self.decryption)
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            message = f"the split weight file {location!r} cannot be read: {reason}"
            raise MissingDataError("E306", message, is_of_file=True) from problem
        if not file:
            raise MissingDataError("E306", f"the split weight file {location!r} is empty", is_of_file=True)
        self.others[location] = file
        return file


def _is_beside(path: Path, model: Path) -> bool:
    """Whether links lead no further than the directory of the model, or the one that the model is a link into.

    Build tools put links to sources side by side into their own directories; a link alone may lead anywhere.
    """
    try:
        real = path.resolve()
        return any(real.is_relative_to(folder) for folder in (model.parent.resolve(), model.resolve().parent))
    except (OSError, ValueError, RuntimeError):
        return True  # a name that no file can have; opening it tells more


def _check_extent(kind: TensorType, offset: int, length: int, size: int, where: str) -> None:
    """Check the extent of a tensor's bytes against its shape and the size of the file."""
    needed = kind.size * kind.dtype.itemsize
    if length != needed:
        raise MissingDataError("E302", f"has {length} bytes, its type {kind} needs {needed}")
    if offset < 0 or offset + length > size:
        raise MissingDataError("E306", f"lies at bytes {offset} to {offset + length}, {where} has {size}")
