"""What is stored under `/ac`: an ActionResult that protobuf reads; what is none is refused, and nothing else."""

from __future__ import annotations

import sys

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st
from scons_project import TREE

sys.path.insert(0, str(TREE / "site_scons" / "site_tools"))
from mslite.cache_answers import Answer, decode, encode, question  # importable only now

STRING, MESSAGE, BYTES, BOOL, INT64, INT32 = 9, 11, 12, 8, 3, 5
# Name, number and type of the fields, from the remote execution API, version 2.
FIELDS = {
    "Digest": [("hash", 1, STRING), ("size_bytes", 2, INT64)],
    "OutputFile": [("path", 1, STRING), ("digest", 2, "Digest"), ("is_executable", 4, BOOL)],
    "ActionResult": [("output_files", 2, "OutputFile"), ("exit_code", 4, INT32), ("stdout_raw", 5, BYTES)],
}
ASKED = question("7" * 64)
ANSWERS = st.builds(
    Answer, st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 1 << 32), st.booleans()
)


@pytest.fixture(scope="module")
def action_result() -> type:
    """The message class that Google's protobuf makes of the fields above."""
    file = descriptor_pb2.FileDescriptorProto(name="re.proto", package="re", syntax="proto3")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=3 if field == "output_files" else 1)
            added.type = MESSAGE if isinstance(kind, str) else kind
            if isinstance(kind, str):
                added.type_name = f".re.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("re.ActionResult"))


@given(answer=ANSWERS)
def test_protobuf_reads_what_we_write(action_result: type, answer: Answer) -> None:
    result = action_result.FromString(encode(answer, ASKED, b"secret"))
    [file] = result.output_files
    assert (file.digest.hash, file.digest.size_bytes, file.is_executable) == (
        answer.sha256,
        answer.size,
        answer.is_executable,
    )
    assert result.exit_code == 0
    assert file.path == "target"


@given(answer=ANSWERS)
def test_we_read_what_protobuf_writes(action_result: type, answer: Answer) -> None:
    result = action_result.FromString(encode(answer, ASKED, b""))
    assert decode(result.SerializeToString(), ASKED, b"") == answer


@given(content=st.binary(max_size=200))
def test_rubbish_is_refused_and_nothing_else_happens(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the reason
        decode(content, ASKED, b"")


@given(answer=ANSWERS, at=st.integers(0, 200), bit=st.integers(0, 7))
def test_no_flipped_bit_names_another_file(answer: Answer, at: int, bit: int) -> None:
    content = bytearray(encode(answer, ASKED, b"secret"))
    content[at % len(content)] ^= 1 << bit
    try:
        assert decode(bytes(content), ASKED, b"secret") == answer
    except ValueError:
        return


def test_answer_to_another_question_or_of_another_secret_is_refused() -> None:
    answer = Answer("5" * 64, 11)
    content = encode(answer, ASKED, b"secret")
    for asked, secret in ((question("8" * 64), b"secret"), (ASKED, b""), (ASKED, b"other")):
        with pytest.raises(ValueError, match="not the answer to this question"):
            decode(content, asked, secret)
