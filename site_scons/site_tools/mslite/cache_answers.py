"""What `/ac` of a cache server holds: an ActionResult of Bazel's remote execution protocol, with one output file.

Only the fields that are needed, written and read by hand: SCons's process imports no protobuf. Servers that check what
they are given (bazel-remote) accept it. `stdout_raw`, free text by the protocol, binds the answer to its question.

    ActionResult {output_files = 2: OutputFile, stdout_raw = 5: bytes}
    OutputFile {path = 1: string, digest = 2: Digest, is_executable = 4: bool}
    Digest {hash = 1: string, size_bytes = 2: int64}
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

_VARINT, _BYTES = 0, 2
_SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_BYTES = 1 << 32
_LONGEST_VARINT = 10


@dataclass(frozen=True)
class Answer:
    """One cached file: SHA-256 and size of its bytes, and whether it can be executed."""

    sha256: str
    size: int
    is_executable: bool = False


def question(signature: str) -> str:
    """Return the name under `/ac` of what has SCons's build signature `signature`."""
    return hashlib.sha256(f"mslite-cache 1 {signature}".encode()).hexdigest()


def encode(answer: Answer, asked: str, secret: bytes) -> bytes:
    """Return the ActionResult that answers the question `asked`."""
    digest = _field(1, answer.sha256.encode()) + _number(2, answer.size)
    file = _field(1, b"target") + _field(2, digest) + (_number(4, 1) if answer.is_executable else b"")
    return _field(2, file) + _field(5, _seal(answer, asked, secret))


def decode(content: bytes, asked: str, secret: bytes) -> Answer:
    """Read an ActionResult; ValueError for one that is damaged, or answers another question."""
    result = _fields(content)
    file = _fields(_bytes(result, 2))
    digest = _fields(_bytes(file, 2))
    name, size = _bytes(digest, 1).decode("ascii", "replace"), digest.get(2, 0)
    if not _SHA256.fullmatch(name) or not isinstance(size, int) or size > MOST_BYTES:
        raise ValueError("no digest")
    answer = Answer(name, size, bool(file.get(4, 0)))
    if not hmac.compare_digest(_bytes(result, 5), _seal(answer, asked, secret)):
        raise ValueError("not the answer to this question, or sealed with another secret")
    return answer


def _seal(answer: Answer, asked: str, secret: bytes) -> bytes:
    """Return what nobody can write without the secret; with an empty one it still catches mix-ups."""
    words = f"{asked} {answer.sha256} {answer.size} {answer.is_executable:d}"
    return b"mslite-cache 1 " + hmac.new(secret, words.encode(), hashlib.sha256).hexdigest().encode()


# -- protobuf's wire format ---------------------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _fields(content: bytes) -> dict[int, int | bytes]:
    """Return the fields of a message; the last one of a number counts."""
    found: dict[int, int | bytes] = {}
    place = 0
    while place < len(content):
        tag, place = _read_varint(content, place)
        value, place = _read_varint(content, place)
        if tag & 7 == _VARINT:
            found[tag >> 3] = value
            continue
        if tag & 7 != _BYTES or place + value > len(content):
            raise ValueError("not an ActionResult")
        found[tag >> 3] = content[place : place + value]
        place += value
    return found


def _read_varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(content[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no continuation bit
            return value, place + index + 1
    raise ValueError("not an ActionResult")


def _bytes(fields: dict[int, int | bytes], number: int) -> bytes:
    value = fields.get(number, b"")
    if not isinstance(value, bytes):
        raise ValueError("not an ActionResult")  # noqa: TRY004 - the file is wrong, not the caller
    return value
