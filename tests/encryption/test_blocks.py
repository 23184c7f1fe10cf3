from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.encryption import Decryption, DecryptionError, Key, encrypted, encrypted_size, is_encrypted
from converter.encryption.blocks import BLOCK
from converter.errors import ConversionError

DATA = Path(__file__).parent / "data"
KEY = Key(b"ABCDEFGHIJKLMNOP")
OTHER = Key(b"abcdefghijklmnop")
WRONG = "the key does not fit this file, or the file is damaged"


def letters(length: int) -> Key:
    return Key(bytes(range(65, 65 + length)))


def sealed(plain: bytes, key: Key = KEY) -> bytes:
    return b"".join(encrypted([plain], key))


def complaint(data: bytes, key: Key = KEY, mode: str = "AES-GCM") -> tuple[str, str | None]:
    with pytest.raises(DecryptionError) as caught:
        Decryption(key, mode).plain(data)
    return str(caught.value), caught.value.hint


def test_the_official_converters_output_decrypts() -> None:
    plain = Decryption(KEY).plain((DATA / "official_2.0.0.ms").read_bytes())
    assert plain.data == (DATA / "official_2.0.0_plain.ms").read_bytes()
    assert plain.is_proved


def test_a_file_has_the_form_of_the_official_one() -> None:
    official, plain = ((DATA / name).read_bytes() for name in ("official_2.0.0.ms", "official_2.0.0_plain.ms"))
    ours = sealed(plain)
    assert len(ours) == len(official) == encrypted_size(len(plain))
    assert ours[:4] == official[:4]
    assert ours[20:28] == official[20:28]
    assert ours[44:48] == official[44:48]


@pytest.mark.parametrize("size", [1, 15, 16, 17, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
def test_round_trip(size: int) -> None:
    plain = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    data = sealed(plain)
    assert len(data) == encrypted_size(size)
    assert is_encrypted(data)
    assert Decryption(KEY).plain(data).data == plain


def test_pieces_of_any_size_give_the_same_file() -> None:
    plain = bytes(range(256)) * 50
    pieces = [plain[:1], memoryview(plain[1:4000]), b"", plain[4000:]]
    assert b"".join(encrypted(pieces, KEY)) == sealed(plain)


def test_the_same_input_gives_the_same_file_and_another_one_another_vector() -> None:
    first, second = sealed(b"one model"), sealed(b"one modem")
    assert first == sealed(b"one model")
    assert first[28:44] != second[28:44]
    assert sealed(b"one model", OTHER)[28:44] != first[28:44]


def test_equal_blocks_do_not_look_equal() -> None:
    data = sealed(bytes(2 * BLOCK))
    half = len(data) // 2
    assert data[48:half] != data[half + 48 :]


def test_a_wrong_key() -> None:
    assert complaint(sealed(b"weights"), OTHER)[0] == WRONG
    assert complaint((DATA / "ms200" / "AES-CBC-32.mindir").read_bytes(), OTHER, "AES-CBC")[0] == WRONG


def test_a_wrong_mode_is_told_by_the_file() -> None:
    gcm, cbc = ((DATA / "ms200" / name).read_bytes() for name in ("AES-GCM-16.mindir", "AES-CBC-32.mindir"))
    assert complaint(cbc) == ("the file is encrypted with AES-CBC, not AES-GCM", "use '--decryptMode=AES-CBC'")
    assert complaint(gcm, mode="AES-CBC") == (
        "the file is encrypted with AES-GCM, not AES-CBC",
        "use '--decryptMode=AES-GCM'",
    )


def test_a_cipher_that_converter_lite_does_not_have() -> None:
    message, hint = complaint((DATA / "ms270" / "SM4-CBC-16.mindir").read_bytes())
    assert message == "the file is encrypted with SM4-CBC, which converter_lite has no mode for"
    assert hint == "export the model with enc_mode='AES-GCM'"


@pytest.mark.parametrize("cut", [4, 19, 20, 27, 43, 47, 48, 60])
def test_a_file_that_is_cut_off(cut: int) -> None:
    message = f"the encrypted file is damaged: no block starts at byte 0 of {cut}"
    assert complaint(sealed(b"one model" * 10)[:cut])[0] == message


def test_a_second_block_that_is_none() -> None:
    data = sealed(b"one model")
    message = f"the encrypted file is damaged: no block starts at byte {len(data)} of {len(data) + 3}"
    assert complaint(data + b"abc")[0] == message


def test_one_changed_bit_is_noticed() -> None:
    data = bytearray(sealed(b"one model" * 100))
    for place in (4, 28, 48, len(data) - 1):
        data[place] ^= 1
        assert complaint(bytes(data))[0] == WRONG
        data[place] ^= 1


@given(st.binary(max_size=200), st.sampled_from(["AES-GCM", "AES-CBC"]), st.sampled_from([0xD8, 0xD9, 0xDA]))
def test_random_bytes_raise_nothing_but_decryption_errors(data: bytes, mode: str, magic: int) -> None:
    with suppress(DecryptionError):
        Decryption(KEY, mode).plain(struct.pack("<I", 0x7F3A5E00 + magic) + data)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(ConversionError) as caught:
        sealed(b"one model")
    (problem,) = caught.value.problems
    assert problem.code == "E902"
    assert problem.message == "encrypted models need the Python package 'cryptography'"
    assert problem.hint == "pip install 'mslite-scons[encryption]'"
