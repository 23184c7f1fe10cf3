"""Encrypted `.mindir` and weight files, decrypted in memory: nothing of them is written anywhere in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.encryption import DecryptionError
from converter.errors import fail
from converter.ir.input_file import InputFile

if TYPE_CHECKING:
    from pathlib import Path

    from converter.encryption import Decryption


class DecryptedFile(InputFile):
    """The plain bytes of an encrypted file. `is_proved` says that the key is known to be the right one."""

    def __init__(self, path: Path, decryption: Decryption) -> None:
        """Read and decrypt; raises `OSError`, and `ConversionError` E304 where the key or the mode does not fit."""
        super().__init__(path)
        self._plain: memoryview | None = None
        try:
            self._plain, self.is_proved = decryption.plain(self)
        except DecryptionError as problem:
            raise fail("E304", str(problem), path=str(path), hint=problem.hint) from None
        self._size = len(self._plain)
        self._start, self._window = 0, b""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the buffer with plain bytes; until there are any, with those of the file."""
        if self._plain is None:
            super().read_into(offset, buffer)
        else:
            buffer[:] = self._plain[offset : offset + len(buffer)]

    def copy_to(self, handle: int, offset: int, length: int) -> int:  # noqa: ARG002 - as its base
        """Nothing: the kernel has no plain bytes to copy."""
        return 0
