"""Where the bytes of constants are: in the mapped `.mindir`, or in the split weight files beside it."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.ir import MappedTensor
from converter.mindir.attributes import UndecodableError, type_of
from converter.mindir.external import is_inside

if TYPE_CHECKING:
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import TensorProto
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
    """Maps each weight file once and hands out views."""

    path: Path
    data: mmap.mmap
    files: dict[str, mmap.mmap] = field(default_factory=dict)

    def tensor(self, proto: TensorProto) -> MappedTensor:
        """A view on the bytes of a constant. Raises `MissingDataError` or `UndecodableError`."""
        kind = type_of(proto)
        if proto.compression_type:
            raise UndecodableError("a tensor with compressed weights")
        if not kind.is_static or kind.shape is None:
            raise UndecodableError(f"a constant of unknown shape {kind}")
        if proto.HasField("external_data"):
            return self._external(proto, kind)
        if proto.HasField("raw_offset"):
            return self._view(kind, self.data, proto.raw_offset, proto.raw_length, "the model file")
        # Short messages are parsed whole; their few bytes are the protobuf's own copy.
        return self._view(kind, proto.raw_data, 0, len(proto.raw_data), "the model file")

    def _external(self, proto: TensorProto, kind: TensorType) -> MappedTensor:
        """A view on a split weight file; the location is relative to the directory of the `.mindir`."""
        external = proto.external_data
        if not is_inside(external.location):
            message = f"the weights are in {external.location!r}, outside the directory of the model"
            raise MissingDataError("E306", message, is_of_file=True)
        data = self._map(external.location)
        length = external.length if external.HasField("length") else kind.size * kind.dtype.itemsize
        return self._view(kind, data, external.offset, length, external.location)

    def _map(self, location: str) -> mmap.mmap:
        """Map a weight file, once."""
        if location not in self.files:
            try:
                with (self.path.parent / location).open("rb") as file:
                    self.files[location] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError as problem:
                message = f"the split weight file {location!r} cannot be read: {problem.strerror}"
                raise MissingDataError("E306", message, is_of_file=True) from problem
            except ValueError as problem:
                message = f"the split weight file {location!r} is empty"
                raise MissingDataError("E306", message, is_of_file=True) from problem
        return self.files[location]

    @staticmethod
    def _view(kind: TensorType, data: mmap.mmap | bytes, offset: int, length: int, where: str) -> MappedTensor:
        """Check the extent against the shape and the file, then view it."""
        needed = kind.size * kind.dtype.itemsize
        if length != needed:
            raise MissingDataError("E302", f"has {length} bytes, its type {kind} needs {needed}")
        if offset < 0 or offset + length > len(data):
            raise MissingDataError("E306", f"lies at bytes {offset} to {offset + length}, {where} has {len(data)}")
        return MappedTensor(kind.dtype, kind.shape or (), data, offset)
