"""Keys of encrypted models: another key converts again, and no file or line that a build leaves tells one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scons_project import SCONSTRUCT

if TYPE_CHECKING:
    from scons_project import Project

ONE, OTHER = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"


def _with(project: Project, flag: str) -> None:
    project.write("SConstruct", SCONSTRUCT.replace("ENV={}", f"ENV={{}}, MSLITE_FLAGS=[{flag!r}]"))


def _traces(project: Project, key: str) -> list[str]:
    """Files of the build that hold the digits or the bytes of a key."""
    made = [path for path in project.path.rglob("*") if path.is_file() and path.name not in {"SConstruct", "key"}]
    return [path.name for path in made if key.encode() in path.read_bytes() or bytes.fromhex(key) in path.read_bytes()]


@pytest.fixture
def encrypted(project: Project) -> Project:
    """A built model, encrypted with the key in a file."""
    project.write("key", ONE)
    _with(project, f"--encryptKey=file:{project.path / 'key'}")
    assert project.build().converted == ["lenet.ms"]
    return project


def test_encrypted_model_is_no_plain_one_and_up_to_date(encrypted: Project) -> None:
    assert (encrypted.path / "build/lenet.ms").read_bytes()[4:8] != b"MSL2"
    assert encrypted.manifest()["build/lenet.ms"]["options"]["encrypt"] is True
    assert encrypted.is_up_to_date()


def test_another_key_converts_again_and_explain_does_not_show_it(encrypted: Project) -> None:
    encrypted.write("key", OTHER)
    ran = encrypted.build("models", "--debug=explain")
    assert ran.converted == ["lenet.ms"]
    old, new = (line for line in ran.out.splitlines() if "encrypt_key=" in line)
    assert old.split("encrypt_key=")[1] != new.split("encrypt_key=")[1]
    assert ONE not in ran.out + ran.err
    assert OTHER not in ran.out + ran.err
    assert encrypted.is_up_to_date()


def test_no_file_of_a_build_holds_the_key(encrypted: Project) -> None:
    assert _traces(encrypted, ONE) == []


def test_digits_in_the_build_description_are_not_stored_either(project: Project) -> None:
    _with(project, f"--encryptKey={ONE}")
    ran = project.build()
    assert ran.converted == ["lenet.ms"]
    assert project.is_up_to_date()
    assert _traces(project, ONE) == []
    assert ONE not in ran.out + ran.err


def test_key_that_is_not_there_stops_the_build_where_it_is_needed(encrypted: Project) -> None:
    (encrypted.path / "key").unlink()
    ran = encrypted.run("models")
    assert ran.code == 2
    assert "scons: *** [build/lenet.ms] " in ran.err
    assert "error[E103]: --encryptKey: the key file cannot be read" in ran.err
    encrypted.write("key", ONE)
    assert encrypted.build().converted == ["lenet.ms"]
