from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from converter.encryption import Key, Keys, key_source, read_keys
from converter.encryption.keys import DECRYPT_LENGTHS, ENCRYPT_LENGTHS
from converter.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = "4142434445464748494a4b4c4d4e4f50"
HINT = "write '--decryptKey=env:VARIABLE' or '--decryptKey=file:FILE' for the place of the digits, or the digits"


def refused(text: str) -> tuple[str, str, str | None]:
    with pytest.raises(ConversionError) as caught:
        key_source("decryptKey", text, DECRYPT_LENGTHS).read()
    (problem,) = caught.value.problems
    return problem.code, problem.message, problem.hint


def test_digits_in_either_case() -> None:
    for text in (DIGITS, DIGITS.upper(), "4a4B" * 8):
        assert key_source("decryptKey", text, DECRYPT_LENGTHS).read() == Key(bytes.fromhex(text))


@pytest.mark.parametrize("length", DECRYPT_LENGTHS)
def test_every_length_of_aes(length: int) -> None:
    assert len(key_source("decryptKey", "0a" * length, DECRYPT_LENGTHS).read().octets) == length


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = key_source("decryptKey", "env:MODEL_KEY", DECRYPT_LENGTHS)
    monkeypatch.setenv("MODEL_KEY", f" {DIGITS}\n")
    assert source.read() == Key(bytes.fromhex(DIGITS))


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "my key").write_text(f"{DIGITS}\n", encoding="ascii")
    assert key_source("decryptKey", f"file:{tmp_path}/my key", DECRYPT_LENGTHS).read() == Key(bytes.fromhex(DIGITS))


def test_what_is_wrong_with_digits_is_said_without_them() -> None:
    wanted = "--decryptKey: a key is 32, 48 or 64 hexadecimal digits; "
    assert refused(DIGITS[:-1]) == ("E103", wanted + "this one has 31", HINT)
    assert refused(DIGITS[:-1] + "g") == ("E103", wanted + "its character 32 is none", HINT)
    assert refused("0x" + DIGITS) == ("E103", wanted + "its character 2 is none", HINT)


def test_what_is_wrong_with_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    assert refused("env:NO_KEY") == ("E103", "--decryptKey: there is no environment variable 'NO_KEY'", None)
    assert refused("env:") == ("E103", "--decryptKey=env: names no variable", HINT)
    assert refused("file:") == ("E103", "--decryptKey=file: names no file", HINT)
    assert refused(f"file:{tmp_path}/none") == (
        "E103",
        "--decryptKey: the key file cannot be read: No such file or directory",
        None,
    )
    (tmp_path / "key").write_bytes(b"\xff\xfe" + DIGITS.encode())
    assert refused(f"file:{tmp_path}/key")[1].endswith("digits; its character 1 is none")
    monkeypatch.setenv("NO_KEY", "")
    assert refused("env:NO_KEY")[1].endswith("digits; this one has 0")


def test_the_output_takes_one_length() -> None:
    with pytest.raises(ConversionError, match="--encryptKey: a key is 32 hexadecimal digits; this one has 64"):
        key_source("encryptKey", DIGITS * 2, ENCRYPT_LENGTHS)


def test_problems_of_both_keys_come_together() -> None:
    wrong = {
        "decrypt": key_source("decryptKey", "env:NONE_1", (16,)),
        "encrypt": key_source("encryptKey", "env:2", (16,)),
    }
    with pytest.raises(ConversionError) as caught:
        read_keys(wrong)
    assert [problem.message.partition(":")[0] for problem in caught.value.problems] == ["--decryptKey", "--encryptKey"]
    assert read_keys({"decrypt": None, "encrypt": None}) == Keys()


def test_nothing_shows_a_key() -> None:
    source = key_source("decryptKey", DIGITS, DECRYPT_LENGTHS)
    key = source.read()
    for shown in (repr(source), str(source), repr(key), f"{Keys(decrypt=key)}"):
        assert DIGITS[:4] not in shown
        assert "ABCD" not in shown


def test_the_check_value_tells_keys_apart_and_is_short() -> None:
    values = {Key(bytes([number]) * 16).check_value() for number in range(100)}
    assert len(values) == 100
    assert {len(value) for value in values} == {6}
    key = Key(bytes.fromhex(DIGITS))
    assert pickle.loads(pickle.dumps(key)).check_value() == key.check_value()  # noqa: S301 - our own bytes
