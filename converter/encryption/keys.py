"""Keys and where they come from: a command line, the environment or a file. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from string import hexdigits
from typing import TYPE_CHECKING

from converter.errors import Problems, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

# Lengths that AES has, in bytes; the device's runtime decrypts with the first only.
DECRYPT_LENGTHS = (16, 24, 32)
ENCRYPT_LENGTHS = (16,)
PLACES = _ENVIRONMENT, _FILE = ("env:", "file:")
_LONGEST_FILE = 4096
_CHECK_DIGITS = 6
_CHECKED = b"mslite key check value"


@dataclass(frozen=True)
class Key:
    """The bytes of a key. They are in no representation, message or report."""

    octets: bytes = field(repr=False)

    def check_value(self) -> str:
        """24 bits that tell one key from another and say nothing about it, as hexadecimal text."""
        import hmac  # noqa: PLC0415 - OpenSSL takes longer to load than a small model to convert

        return hmac.new(self.octets, _CHECKED, "sha256").hexdigest()[:_CHECK_DIGITS]


@dataclass(frozen=True)
class Keys:
    """What a conversion decrypts its input with, and encrypts its output with."""

    decrypt: Key | None = None
    encrypt: Key | None = None


NO_KEYS = Keys()


@dataclass(frozen=True)
class KeySource:
    """The value of the flag `name`: a `place`, `env:NAME` or `file:PATH`; or the key itself, with an empty `place`."""

    name: str
    lengths: tuple[int, ...]
    place: str = ""
    key: Key | None = None

    def read(self) -> Key:
        """The key. Raises `ConversionError` E103 where its place has none."""
        return self.key or Key(_octets(self.name, self._text(), self.lengths))

    def _text(self) -> str:
        """What stands in the place, without blanks at its ends."""
        if self.place.startswith(_ENVIRONMENT):
            variable = self.place.removeprefix(_ENVIRONMENT)
            if variable not in os.environ:
                raise fail("E103", f"--{self.name}: there is no environment variable '{variable}'")
            return os.environ[variable].strip()
        path = self.place.removeprefix(_FILE)
        try:
            with Path(path).open("rb") as file:
                return file.read(_LONGEST_FILE).decode("ascii", "replace").strip()
        except OSError as problem:
            message = f"--{self.name}: the key file cannot be read: {problem.strerror}"
            raise fail("E103", message, path=path) from problem


def key_source(name: str, text: str, lengths: tuple[int, ...]) -> KeySource:
    """Parse the value of the flag `name` without reading anything. Raises `ConversionError` E103."""
    if text in PLACES:
        what = "variable" if text == _ENVIRONMENT else "file"
        raise fail("E103", f"--{name}={text} names no {what}", hint=_hint(name))
    if text.startswith(PLACES):
        return KeySource(name, lengths, place=text)
    return KeySource(name, lengths, key=Key(_octets(name, text, lengths)))


def read_keys(sources: Mapping[str, KeySource | None]) -> Keys:
    """Read the keys `decrypt` and `encrypt`; `ConversionError` with what is wrong with either."""
    problems = Problems()
    found: dict[str, Key | None] = {}
    for name, source in sources.items():
        with problems.collected():
            found[name] = None if source is None else source.read()
    problems.raise_if_any()
    return Keys(**found)


def _octets(name: str, text: str, lengths: tuple[int, ...]) -> bytes:
    """Hexadecimal digits as bytes; what is wrong with them is said without them."""
    digits = [2 * length for length in lengths]
    wanted = " or ".join(", ".join(map(str, digits)).rsplit(", ", 1))
    strange = next((place for place, letter in enumerate(text, 1) if letter not in hexdigits), None)
    if strange is not None:
        what = f"its character {strange} is none"
    elif len(text) not in digits:
        what = f"this one has {len(text)}"
    else:
        return bytes.fromhex(text)
    message = f"--{name}: a key is {wanted} hexadecimal digits; {what}"
    raise fail("E103", message, hint=_hint(name))


def _hint(name: str) -> str:
    return f"write '--{name}=env:VARIABLE' or '--{name}=file:FILE' for the place of the digits, or the digits"
