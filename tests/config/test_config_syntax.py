"""Every row of the table "Checked on 2.0.0" of the official converter's config files, and its silent traps."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.config import parse_config
from converter.errors import ConversionError, Status

PATH = Path("nets/q.cfg")
BASE = "[common_quant_param]\nquant_type=WEIGHT_QUANT\n"


def problems(text: str) -> list[tuple[str, int | None, str, str | None]]:
    with pytest.raises(ConversionError) as caught:
        parse_config(text, PATH)
    assert {problem.path for problem in caught.value.problems} == {"nets/q.cfg"}
    return [(problem.code, problem.line, problem.message, problem.hint) for problem in caught.value.problems]


def status(text: str) -> Status:
    with pytest.raises(ConversionError) as caught:
        parse_config(text, PATH)
    return caught.value.status


def test_an_unknown_key_in_a_known_section() -> None:
    expected = ("E110", 3, "unknown key 'bit_nmu' in [common_quant_param]", "did you mean 'bit_num'?")
    assert problems(BASE + "bit_nmu=8\n") == [expected]
    assert status(BASE + "foo=1\n") == Status.INPUT_PARAM_INVALID


def test_a_key_of_another_section_is_sent_home() -> None:
    assert problems(BASE + "max_iterations=41\n") == [
        (
            "E110",
            3,
            "unknown key 'max_iterations' in [common_quant_param]",
            "it belongs in '[mixed_bit_weight_quant_param]'",
        )
    ]


def test_an_unknown_section_is_not_ignored() -> None:
    assert problems(BASE + "[my_notes]\na=1\n") == [("E111", 3, "unknown section [my_notes]", None)]


def test_a_comment_after_blanks() -> None:
    expected = ("E113", 3, "a comment starts in the first column", "remove the blanks before '#'")
    assert problems(BASE + " # c\n") == [expected]
    assert status(BASE + " # c\n") == Status.ERROR


def test_first_column_comments_blank_lines_and_blanks_around_all_parts_are_fine() -> None:
    text = '\ufeff# c\n\r\n   \n[ common_quant_param ] \r\n#=[\n  quant_type = WEIGHT_QUANT \r\nbit_num ="8"\n'
    assert parse_config(text, PATH).canonical() == parse_config(BASE, PATH).canonical()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bit_num=", "'bit_num=' has no value"),
        ("=8", "'=8' has no key"),
        ("bit_num=8=9", "'bit_num=8=9' has more than one '='"),
        ("bit_num=8=", "'bit_num=8=' has more than one '='"),
        ("bit_num", "'bit_num' is neither a [section] nor key=value"),
    ],
)
def test_a_line_that_is_not_key_equals_value(line: str, message: str) -> None:
    assert [found[:3] for found in problems(f"{BASE}{line}\n")] == [("E113", 3, message)]
    assert status(f"{BASE}{line}\n") == Status.ERROR


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("bit_num: 8", "write 'bit_num=8'"),
        ("bit_num 8", "write 'bit_num=8'"),
        ("registry]", "write '[registry]'"),
    ],
)
def test_a_missing_sign_is_guessed(line: str, hint: str) -> None:
    assert problems(BASE + line)[0][3] == hint


def test_a_duplicate_key_the_last_one_wins_with_a_warning() -> None:
    config = parse_config(BASE + "bit_num=8\n[registry]\n[common_quant_param]\nbit_num=4\n", PATH)
    assert config.value("common_quant_param", "bit_num") == 4
    assert config.warnings == (
        "nets/q.cfg:6: 'bit_num' stands in [common_quant_param] again; the value of line 3 is not used",
    )


def test_keys_before_any_section() -> None:
    assert problems("bit_num=8\n" + BASE) == [
        (
            "E111",
            1,
            "'bit_num' stands before the first [section]: nothing reads it",
            "move it under '[common_quant_param]'",
        )
    ]


def test_a_section_in_another_case() -> None:
    assert problems("[Common_Quant_Param]\nquant_type=WEIGHT_QUANT\n") == [
        ("E111", 1, "unknown section [Common_Quant_Param]", "did you mean '[common_quant_param]'?")
    ]


def test_a_section_without_closing_bracket_and_what_is_wrong_below_it() -> None:
    assert problems("[common_quant_param\nquant_type=WEIGHT_QUANT\nbit_num=17\n") == [
        ("E111", 1, "'[common_quant_param' has no ']'", "write '[common_quant_param]'"),
        ("E112", 3, "bit_num in [common_quant_param]: 17 is not in [0, 16]", None),
    ]


def test_a_comment_after_a_section() -> None:
    code, line, message, hint = problems("[registry] # r\n")[0]
    assert (code, line, message) == ("E111", 1, "'# r' after ']'")
    assert hint == "a comment needs a line of its own, with '#' in the first column"


def test_a_tab_before_a_key() -> None:
    expected = ("E110", 3, "unknown key '\\tbit_num' in [common_quant_param]", "remove the tab")
    assert problems(BASE + "\tbit_num=8\n") == [expected]


def test_a_config_of_version_1_says_how_to_write_it_today() -> None:
    found = problems("image_path=./calib\nbatch_count=2\nmethod_x=KL\nbias_correction=true\n")
    assert [(code, line) for code, line, _, _ in found] == [("E111", line) for line in (1, 2, 3, 4)]
    assert found[0][2:] == (
        "'image_path' stands in no [section]: a config of version 1.x, which nothing reads today",
        "write 'calibrate_path=INPUT:DIRECTORY' in [data_preprocess_param]",
    )
    assert found[3][3] == "move it under '[weight_quant_param]' or '[full_quant_param]'"


def test_the_quant_section_without_quant_type_is_not_silently_no_quantization() -> None:
    expected = "no quant_type in [common_quant_param]: nothing would be quantized"
    hint = "add quant_type=WEIGHT_QUANT, or remove the section"
    assert problems("# c\n[common_quant_param]\nbit_num=8\n") == [("E112", 2, expected, hint)]
    assert [code for code, *_ in problems("[common_quant_param]\nquant_typ=WEIGHT_QUANT\n")] == ["E110"]


def test_at_most_9999_lines_count_without_blanks_and_comments() -> None:
    most = BASE + "bit_num=8\n" * 9997
    assert parse_config("# c\n\n" * 9999 + most, PATH).value("common_quant_param", "bit_num") == 8
    hint = "only lines that are neither blank nor comments count"
    assert problems(most + "bit_num=8\n") == [("E113", 10000, "more than 9999 lines", hint)]


def test_a_binary_file_is_one_problem() -> None:
    assert problems("x\ny\0\nz\n") == [("E113", 2, "this is not a text file", None)]


def test_all_problems_come_at_once_in_the_order_of_the_lines() -> None:
    text = "[common_quant_param]\nbit_num=8x\nfoo\n[registri]\nplugin_path=\n[weight_quant_param]\nper_channel=1\n"
    assert [(code, line) for code, line, _, _ in problems(text)] == [
        ("E112", 1),
        ("E112", 2),
        ("E113", 3),
        ("E111", 4),
        ("E113", 5),
        ("E112", 7),
    ]


def test_an_empty_file_asks_for_nothing() -> None:
    config = parse_config("", PATH)
    assert (config.quant(), config.canonical(), config.inputs, config.warnings) == (None, "{}", (), ())
