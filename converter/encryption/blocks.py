"""The format of encrypted `.mindir` and `.ms` files, and of split weights: a sequence of blocks.

A block of AES-GCM is a magic number, a tag of 16 bytes, and a body; a block of AES-CBC has another magic number and no
tag. MindSpore 1.x wrote both with the first number and without a tag. A body is its own length, that of the
initialization vector (16), the vector, the length of the cipher text, the cipher text. Numbers are little-endian.
AES-GCM uses the first 12 bytes of the vector only: measured on files of MindSpore 1.6 to 2.10 and of converter 2.0.0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from converter.errors import fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from converter.encryption.keys import Key


class Buffer(Protocol):
    """Bytes by position, wherever they are."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, part: slice, /) -> bytes | memoryview:
        """Some of them."""


_GCM_MAGIC, _CBC_MAGIC, _SM4_MAGIC = 0x7F3A5ED8, 0x7F3A5ED9, 0x7F3A5EDA
_GCM, _CBC = "AES-GCM", "AES-CBC"
_WORD = struct.Struct("<I")
_TAG = _VECTOR = _PADDED = 16
_NONCE = 12
_CHUNK = 1 << 20
# A reader takes blocks up to 64 MiB; this is what the writer holds in memory.
BLOCK = 4 << 20
_BLOCK_OVERHEAD = 4 + _TAG + 4 + 4 + _VECTOR + 4


class DecryptionError(Exception):
    """Why a file cannot be decrypted, and what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the hint beside the message."""
        super().__init__(message)
        self.hint = hint


class _Block(NamedTuple):
    """Where the parts of a block are; `tag` is None where nothing authenticates the cipher text."""

    vector: bytes
    tag: bytes | None
    start: int
    end: int


class Plain(NamedTuple):
    """A decrypted file; `is_proved` says that the right key made it what it is."""

    data: memoryview
    is_proved: bool


@dataclass(frozen=True)
class Decryption:
    """A key and the mode, `AES-GCM` or `AES-CBC`, that go with encrypted files."""

    key: Key
    mode: str = _GCM

    def plain(self, data: Buffer) -> Plain:
        """Decrypt a file. Raises `DecryptionError`, and `ConversionError` E902 without the package `cryptography`."""
        blocks = list(_blocks(data, self.mode))
        ciphers = _ciphers()
        out = bytearray(sum(block.end - block.start for block in blocks))
        position = 0
        for block in blocks:
            position = self._decrypt(ciphers, data, block, out, position)
        del out[position:]
        return Plain(memoryview(out).toreadonly(), all(block.tag is not None for block in blocks))

    def _decrypt(self, ciphers: ModuleType, data: Buffer, block: _Block, out: bytearray, position: int) -> int:
        """Decrypt one block into `out`; returns where its plain text ends."""
        is_gcm = self.mode == _GCM
        mode = ciphers.modes.GCM(block.vector[:_NONCE], block.tag) if is_gcm else ciphers.modes.CBC(block.vector)
        decryptor = ciphers.Cipher(ciphers.algorithms.AES(self.key.octets), mode).decryptor()
        start = position
        for offset in range(block.start, block.end, _CHUNK):
            part = decryptor.update(data[offset : min(offset + _CHUNK, block.end)])
            out[position : position + len(part)] = part
            position += len(part)
        if block.tag is not None:
            _authenticate(decryptor)
        return position if is_gcm else position - _padding(out[max(start, position - _PADDED) : position])


def is_encrypted(data: Buffer) -> bool:
    """Whether a file starts as an encrypted one does."""
    return len(data) >= _WORD.size and _word(data, 0) in {_GCM_MAGIC, _CBC_MAGIC, _SM4_MAGIC}


def encrypted(chunks: Iterable[bytes | memoryview], key: Key) -> Iterator[bytes]:
    """Encrypt a file with AES-GCM, block by block.

    The initialization vector is made from the key, the number of the block and its plain text, so that the same input
    gives the same output and different plain texts never share a vector.
    """
    import hmac  # noqa: PLC0415 - OpenSSL takes longer to load than a small model to convert

    ciphers = _ciphers()
    secret = hmac.digest(key.octets, b"mslite initialization vector", "sha256")
    for number, plain in enumerate(_regular(chunks)):
        vector = hmac.digest(secret, _WORD.pack(number) + plain, "sha256")[:_VECTOR]
        encryptor = ciphers.Cipher(ciphers.algorithms.AES(key.octets), ciphers.modes.GCM(vector[:_NONCE])).encryptor()
        text = encryptor.update(plain) + encryptor.finalize()
        body = _WORD.pack(_VECTOR) + vector + _WORD.pack(len(text)) + text
        yield _WORD.pack(_GCM_MAGIC) + encryptor.tag + _WORD.pack(len(body)) + body


def encrypted_size(size: int) -> int:
    """Bytes that `encrypted` makes of `size` bytes."""
    return size + _BLOCK_OVERHEAD * -(-size // BLOCK)


def _regular(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The same bytes in pieces of one block."""
    held = bytearray()
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        while len(view):
            taken = min(len(view), BLOCK - len(held))
            held += view[:taken]
            view = view[taken:]
            if len(held) == BLOCK:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


def _ciphers() -> ModuleType:
    """The ciphers of the package `cryptography`, which nobody needs who has no encrypted models."""
    try:
        from cryptography.hazmat.primitives import ciphers  # noqa: PLC0415 - an optional dependency
        from cryptography.hazmat.primitives.ciphers import algorithms, modes  # noqa: F401, PLC0415 - loads them
    except ModuleNotFoundError as missing:
        hint = "pip install 'mslite-scons[encryption]'"
        raise fail("E902", "encrypted models need the Python package 'cryptography'", hint=hint) from missing
    return ciphers


def _authenticate(decryptor: object) -> None:
    """Check the tag of a block."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

    try:
        decryptor.finalize()  # type: ignore[attr-defined] # the package is optional, its types are not here
    except InvalidTag:
        raise _wrong_key() from None


def _padding(last: bytes | bytearray) -> int:
    """How many bytes CBC added, from the last 16."""
    count = last[-1] if len(last) == _PADDED else 0
    if not 1 <= count <= _PADDED or any(each != count for each in last[-count:]):
        raise _wrong_key()
    return count


def _wrong_key() -> DecryptionError:
    hint = "--decryptKey is the export's enc_key, its bytes in hexadecimal"
    return DecryptionError("the key does not fit this file, or the file is damaged", hint)


def _blocks(data: Buffer, mode: str) -> Iterator[_Block]:
    """Find all blocks before any is decrypted. Raises `DecryptionError` where the file is no sequence of blocks."""
    offset = 0
    while offset < len(data):
        magic = _word(data, offset)
        if magic not in {_GCM_MAGIC, _CBC_MAGIC, _SM4_MAGIC}:
            raise _damaged(offset, data)
        is_old = magic == _GCM_MAGIC and _body(data, offset + 4) is not None
        _check_mode(magic, mode, is_old=is_old)
        has_tag = magic == _GCM_MAGIC and not is_old
        start = offset + 4 + (_TAG if has_tag else 0)
        body = _body(data, start)
        if body is None or (mode == _CBC and (body[1] - body[0]) % _PADDED):
            raise _damaged(offset, data)
        vector = bytes(data[start + 8 : start + 8 + _VECTOR])
        yield _Block(vector, bytes(data[start - _TAG : start]) if has_tag else None, *body)
        offset = body[1]


def _check_mode(magic: int, mode: str, *, is_old: bool) -> None:
    """The file says how it was encrypted, unless MindSpore 1.x wrote it."""
    if magic == _SM4_MAGIC:
        hint = "export the model with enc_mode='AES-GCM'"
        raise DecryptionError("the file is encrypted with SM4-CBC, which converter_lite has no mode for", hint)
    made = _CBC if magic == _CBC_MAGIC else _GCM
    if made != mode and not is_old:
        raise DecryptionError(f"the file is encrypted with {made}, not {mode}", f"use '--decryptMode={made}'")


def _body(data: Buffer, start: int) -> tuple[int, int] | None:
    """[start, end) of the cipher text of the body at `start`; None where its lengths do not fit together."""
    first = start + 4 + 4 + _VECTOR + 4
    if first > len(data) or _word(data, start + 4) != _VECTOR:
        return None
    count = _word(data, first - 4)
    fits = count > 0 and _word(data, start) == first - start - 4 + count
    return (first, first + count) if fits and first + count <= len(data) else None


def _word(data: Buffer, offset: int) -> int:
    """The number at a place; 0 behind the end."""
    return int.from_bytes(data[offset : offset + _WORD.size], "little")


def _damaged(offset: int, data: Buffer) -> DecryptionError:
    message = f"the encrypted file is damaged: no block starts at byte {offset} of {len(data)}"
    return DecryptionError(message, "export or copy the file again")
