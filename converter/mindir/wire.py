"""Protobuf wire scan of a MindIR file: where every tensor's bytes are, and a skeleton without them.

`skeleton()` returns a serialized `ModelProto` in which each `raw_data` is replaced by its position and length
(`raw_offset`, `raw_length` of converter/_generated/mind_ir.proto). Only the skeleton is parsed by protobuf. Needs
nothing but the standard library, so that a build tool can use it while it reads its build description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from mmap import mmap

    from converter.ir.input_file import InputFile

    Buffer = mmap | bytes | InputFile

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_RAW_DATA = 9
_RAW_OFFSET, _RAW_LENGTH = 60001, 60002
_MAX_VARINT = 10
_PAYLOAD, _MORE = 0x7F, 0x80  # of a byte of a base-128 number

# Messages that may hold tensors, by name: field number -> message of that field.
_TENSOR: Mapping[int, str] = {}
MESSAGES: Mapping[str, Mapping[int, str]] = {
    "Model": {7: "Graph", 8: "Graph", 12: "Primitive"},
    "Graph": {1: "Node", 3: "Tensor", 10: "MapTensor"},
    "Node": {5: "Attribute"},
    "Primitive": {3: "Attribute"},
    "Attribute": {6: "Tensor", 7: "Graph", 12: "Tensor", 13: "Graph", 17: "Attribute"},
    "MapTensor": {2: "Tensor", 3: "Tensor", 4: "Tensor"},
    "Tensor": _TENSOR,
}
# A message this short holds no weight to speak of; protobuf copies its few bytes faster than they are scanned.
INLINE_LIMIT = 1024


class WireError(Exception):
    """The bytes are no protobuf message; `offset` is the file position where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        """Keep where it happened."""
        super().__init__(message)
        self.offset = offset


class Field(NamedTuple):
    """One field of a message: number, wire type, [start, end) of its payload, and where its key began."""

    number: int
    wire_type: int
    start: int
    end: int
    key: int


def varint(data: Buffer, offset: int, end: int) -> tuple[int, int]:
    """Decode a base-128 number at `offset`; returns the number and the offset after it."""
    result = 0
    for index in range(_MAX_VARINT):
        if offset >= end:
            raise WireError("the file ends inside a number", offset)
        byte = data[offset]
        offset += 1
        result |= (byte & _PAYLOAD) << (7 * index)
        if byte < _MORE:
            return result, offset
    raise WireError("a number is longer than 10 bytes", offset)


def fields(data: Buffer, start: int, end: int) -> Iterator[Field]:
    """Iterate over the fields of the message in [start, end). Raises `WireError` where the bytes make no sense."""
    offset = start
    while offset < end:
        key = offset
        tag, offset = varint(data, offset, end)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError("a field has number 0", key)
        if wire_type == _BYTES:
            length, offset = varint(data, offset, end)
            stop = offset + length
        elif wire_type == _VARINT:
            _, stop = varint(data, offset, end)
        elif wire_type == _FIXED32:
            stop = offset + 4
        elif wire_type == _FIXED64:
            stop = offset + 8
        else:
            raise WireError(f"field {number} has the unknown wire type {wire_type}", key)
        if stop > end:
            raise WireError(f"field {number} reaches {stop - end} bytes beyond its message", key)
        yield Field(number, wire_type, offset, stop, key)
        offset = stop


def skeleton(data: Buffer, message: str = "Model") -> bytes:
    """The serialized model, or other message, without tensor bytes. Raises `WireError`."""
    return _rebuild(data, 0, len(data), message)


def _rebuild(data: Buffer, start: int, end: int, message: str) -> bytes:
    """One message with its tensors' bytes replaced by their positions."""
    nested = MESSAGES[message]
    is_tensor = nested is _TENSOR
    out = bytearray()
    copied = start
    for field in fields(data, start, end):
        if is_tensor and field.number == _RAW_DATA and field.wire_type == _BYTES:
            out += data[copied : field.key]
            out += _key(_RAW_OFFSET, _VARINT) + _encode(field.start)
            out += _key(_RAW_LENGTH, _VARINT) + _encode(field.end - field.start)
            copied = field.end
        elif field.wire_type == _BYTES and field.number in nested:
            if field.end - field.start <= INLINE_LIMIT:
                continue
            body = _rebuild(data, field.start, field.end, nested[field.number])
            out += data[copied : field.key]
            out += _key(field.number, _BYTES) + _encode(len(body)) + body
            copied = field.end
    out += data[copied:end]
    return bytes(out)


def _encode(number: int) -> bytes:
    """Base-128 encoding of a non-negative number."""
    out = bytearray()
    while number >= _MORE:
        out.append(number & _PAYLOAD | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def _key(number: int, wire_type: int) -> bytes:
    """The key that starts a field."""
    return _encode(number << 3 | wire_type)
