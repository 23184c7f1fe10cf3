from __future__ import annotations

import re
from pathlib import Path

import pytest

from converter.config import parse_config
from converter.config.keys import Key, Value
from converter.config.sections import SECTIONS
from converter.config.values import WrongValueError, read_value
from converter.errors import ConversionError

PATH = Path("q.cfg")
CALIBRATION = "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=1\ninput_type=BIN\n"
INT = Key("n", "int", low=0, high=16)
FLOAT = Key("x", "float", low=0, high=1)
OPEN = Key("x", "float", low=0, high=1, is_open=True)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (INT, "0016", 16),
        (INT, "+7", 7),
        (INT, "-0", 0),
        (FLOAT, "1", 1.0),
        (FLOAT, "-0.0", 0.0),
        (FLOAT, ".5e0", 0.5),
        (OPEN, "2E-2", 0.02),
        (Key("b", "bool"), "TrUe", True),
        (Key("b", "bool"), "FALSE", False),
        (Key("c", "choice", values=("NEAREST", "LINEAR")), "LINEAR", "LINEAR"),
        (Key("v", "floats"), "[0.5, 1,-2.25]", (0.5, 1.0, -2.25)),
        (Key("v", "names"), "a, b,,c/d-op3", ("a", "b", "c/d-op3")),
        (Key("v", "files"), "a.so; b.so;", ("a.so", "b.so")),
        (Key("v", "calibration"), "in:dir, a:b:'d 2'", (("in", "dir"), ("a:b", "d 2"))),
    ],
)
def test_values(key: Key, text: str, expected: Value) -> None:
    value = read_value(key, text)
    assert (value, type(value), str(value)) == (expected, type(expected), str(expected))


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        (INT, "8x", "'8x' is not a whole number"),
        (INT, "8.0", "'8.0' is not a whole number"),
        (INT, "١", "'١' is not a whole number"),  # noqa: RUF001 - a digit in another script
        (INT, "17", "17 is not in [0, 16]"),
        (INT, "-1", "-1 is not in [0, 16]"),
        (INT, "9" * 30, f"{'9' * 30} is not in [0, 16]"),
        (FLOAT, "nan", "'nan' is not a number"),
        (FLOAT, "0x1", "'0x1' is not a number"),
        (FLOAT, "1e999", "1e999 is too large"),
        (FLOAT, "1.01", "1.01 is not in [0, 1]"),
        (OPEN, "1", "1 is not in (0, 1)"),
        (Key("b", "bool"), "on", "'on' is not 'true' or 'false'"),
        (Key("c", "choice", values=("A", "B", "C")), "a", "'a' is not 'A', 'B' or 'C'"),
        (Key("v", "floats"), "0.5,0.5", "'0.5,0.5' is not a list of numbers"),
        (Key("v", "floats"), "[]", "'' is not a number"),
        (Key("v", "files"), ";", "';' names no file"),
        (Key("v", "files"), "a;" * 11, "11 files; at most 10 are allowed"),
        (Key("v", "calibration"), "dir", "'dir' is not INPUT:DIRECTORY"),
        (Key("v", "calibration"), "in:", "'in:' is not INPUT:DIRECTORY"),
    ],
)
def test_wrong_values(key: Key, text: str, message: str) -> None:
    with pytest.raises(WrongValueError, match=f"^{re.escape(message)}$"):
        read_value(key, text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("8 # bits", "a comment needs a line of its own, with '#' in the first column"),
        ("8\t", "remove the tab"),
    ],
)
def test_the_usual_cause_of_a_wrong_value_is_the_hint(text: str, hint: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        read_value(INT, text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("quant_type", "line", "message"),
    [
        ("FULL_QUANT", "bit_num=4", "bit_num in [common_quant_param]: 4 does not go with FULL_QUANT"),
        ("DYNAMIC_QUANT", "bit_num=0", "bit_num in [common_quant_param]: 0 does not go with DYNAMIC_QUANT"),
        (
            "WEIGHT_QUANT",
            "bit_num=4\nenable_encode=FALSE",
            "enable_encode in [common_quant_param]: 'false' goes with bit_num=8 and bit_num=16 only",
        ),
    ],
)
def test_values_that_do_not_go_together(quant_type: str, line: str, message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse_config(f"[common_quant_param]\nquant_type={quant_type}\n{line}\n{CALIBRATION}", PATH)
    assert [problem.message for problem in caught.value.problems] == [message]


def test_the_tables_are_sound() -> None:
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
    for section in SECTIONS:
        assert len({key.name for key in section.keys}) == len(section.keys)
        assert "error" not in (section.about + section.refusal).lower()
        for key in section.keys:
            assert "error" not in (key.about + key.refusal).lower()
            if isinstance(key.default, str | bool | int | float):
                assert read_value(key, str(key.default)) == key.default
