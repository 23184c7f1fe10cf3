"""`MSLITE_FLAGS`: every flag of the converter, and keys that SCons stores nowhere."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from scons_project import TREE

from converter.encryption import Decryption, Key

if TYPE_CHECKING:
    from scons_project import Project

DATA = TREE / "tests" / "encryption" / "data" / "ms200"
DIGITS = bytes(range(65, 81)).hex()
OTHER = bytes(range(97, 113)).hex()


def sconstruct(*flags: str) -> str:
    return (
        "env = Environment(tools=['mslite'], MSLITE_MANIFEST='build/models.json', ENV={})\n"
        f"env.MSLiteModel('build/net.ms', 'models/net.mindir', MSLITE_FLAGS={list(flags)!r})\n"
    )


def write(project: Project, *flags: str, model: str = "plain") -> None:
    project.write("SConstruct", sconstruct(*flags))
    (project.path / "models").mkdir(exist_ok=True)
    shutil.copy(DATA / f"{model}.mindir", project.path / "models" / "net.mindir")


def described(project: Project) -> dict[str, Any]:
    """The interface of the model and its size, from the manifest."""
    entry = project.manifest()["build/net.ms"]
    return {name: entry[name] for name in ("inputs", "outputs", "bytes")}


def shape(tensors: list[dict[str, Any]]) -> list[int]:
    (tensor,) = tensors
    return list(tensor["shape"])


@pytest.mark.parametrize(
    ("flag", "at_default"),
    [
        ("--fp16=on", "--fp16=off"),
        ("--inputDataFormat=NCHW", "--inputDataFormat=NHWC"),
        ("--outputDataFormat=NHWC", "--outputDataFormat=NCHW"),
        ("--infer=true", "--infer=false"),
        ("--inputShape=x:1,2,5,7", "--inputShape="),
    ],
)
def test_a_flag_converts_again_and_its_default_does_not(empty: Project, flag: str, at_default: str) -> None:
    write(empty)
    assert empty.build().converted == ["net.ms"]
    write(empty, at_default)
    assert empty.build().converted == []
    write(empty, flag)
    assert empty.build().converted == ["net.ms"]
    assert empty.build().converted == []


def test_flags_reach_the_converter(empty: Project) -> None:
    write(empty)
    empty.build()
    plain = described(empty)
    write(empty, "--fp16=on", "--inputDataFormat=NCHW", "--outputDataFormat=NHWC")
    empty.build()
    turned = described(empty)
    assert (shape(plain["inputs"]), shape(turned["inputs"])) == ([1, 5, 7, 2], [1, 2, 5, 7])
    assert (shape(plain["outputs"]), shape(turned["outputs"])) == ([1, 3, 5, 7], [1, 5, 7, 3])


def test_an_encrypted_model_with_its_key_in_a_file(empty: Project) -> None:
    write(empty)
    empty.build()
    plain = (empty.path / "build/net.ms").read_bytes()
    empty.write("key", f"{DIGITS}\n")
    write(empty, "--decryptKey=file:key", model="AES-GCM-16")
    assert empty.build().converted == ["net.ms"]
    assert (empty.path / "build/net.ms").read_bytes() == plain


def test_an_encrypted_model_without_its_key(empty: Project) -> None:
    write(empty, model="AES-GCM-16")
    ran = empty.run("models")
    assert ran.code == 2
    assert "models/net.mindir: error[E304]: the model is encrypted" in ran.err
    empty.write("key", OTHER)
    write(empty, "--decryptKey=file:key", model="AES-GCM-16")
    ran = empty.run("models")
    assert ran.code == 2
    assert "error[E304]: the key does not fit this file, or the file is damaged" in ran.err
    assert not (empty.path / "build/net.ms").exists()


def test_another_key_encrypts_again(empty: Project) -> None:
    empty.write("key", DIGITS)
    write(empty, "--encryptKey=file:key")
    assert empty.build().converted == ["net.ms"]
    assert empty.build().converted == []
    first = (empty.path / "build/net.ms").read_bytes()
    empty.write("key", f"{OTHER}\n")
    assert empty.build().converted == ["net.ms"]
    second = (empty.path / "build/net.ms").read_bytes()
    plain = [
        bytes(Decryption(Key(bytes.fromhex(digits))).plain(data).data)
        for digits, data in ((DIGITS, first), (OTHER, second))
    ]
    assert plain[0] == plain[1]
    assert plain[0][4:8] == b"MSL2"


def test_a_key_is_stored_nowhere_and_printed_nowhere(empty: Project) -> None:
    empty.write("key", DIGITS)
    write(empty, "--encryptKey=file:key", f"--decryptKey={DIGITS}", model="AES-GCM-16")
    ran = empty.run("models", "--debug=explain")
    assert ran.code == 0, ran.err
    write(empty, "--encryptKey=file:key", "--decryptKey=file:key", "--fp16=on", model="AES-GCM-16")
    again = empty.run("models", "--debug=explain,stacktrace", "--tree=all")
    assert again.converted == ["net.ms"]
    secrets = (DIGITS.encode(), b"ABCDEFGHIJKLMNOP")
    shown = (ran.out + ran.err + again.out + again.err).encode()
    assert not [secret for secret in secrets if secret in shown]
    stored = {
        path.relative_to(empty.path).as_posix(): path.read_bytes()
        for path in empty.path.rglob("*")
        if path.is_file() and path.name not in {"key", "SConstruct"}
    }
    assert {".sconsign.dblite", "build/net.ms.record.json", "build/models.json"} <= set(stored)
    assert not [name for name, data in stored.items() if any(secret in data for secret in secrets)]


def test_a_missing_key_file_is_said_by_name(empty: Project) -> None:
    write(empty, "--encryptKey=file:nokey")
    ran = empty.run("models")
    assert ran.code == 2
    assert "--encryptKey: the key file cannot be read: No such file or directory" in ran.err
    assert json.dumps("nokey")[1:-1] in ran.err
