from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.config import parse_config
from converter.errors import ConversionError, Status
from converter.flags import Flags, output_path, parse_flags, usage
from converter.options import FLAGS, QuantOptions

BASE = ("--fmk=MINDIR", "--modelFile=net.mindir", "--outputFile=out/net")


def problems(*argv: str) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ConversionError) as caught:
        parse_flags(argv)
    return [(problem.code, problem.message, problem.hint) for problem in caught.value.problems]


def codes(*argv: str) -> list[str]:
    return [code for code, _, _ in problems(*argv)]


def test_the_command_line_of_the_training_converter() -> None:
    flags = parse_flags([*BASE, "--trainModel=true", "--configFile=q.cfg"])
    assert flags == Flags(Path("net.mindir"), Path("out/net.ms"), train=True, config_file=Path("q.cfg"))


def test_own_flags() -> None:
    own = ("--skip-pass=a, b,,c", "--dump-ir=ir", "--verify=each", "--report=r.json", "--traceback")
    assert parse_flags([*BASE, *own]) == Flags(
        Path("net.mindir"),
        Path("out/net.ms"),
        skip_passes=("a", "b", "c"),
        dump_ir=Path("ir"),
        verify_each=True,
        report=Path("r.json"),
        show_traceback=True,
    )


def test_items_are_trimmed_values_keep_their_equals_signs_and_two_dashes_end_the_flags() -> None:
    flags = parse_flags([" --fmk=MINDIR ", "--modelFile=a=b.mindir\n", "--outputFile=c", "--", "garbage", "--fp16=on"])
    assert flags.model_file == Path("a=b.mindir")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x.ms", "x.ms"), ("b.foo", "b.foo.ms"), ("n", "n.ms"), ("x.ms.ms", "x.ms.ms"), ("d/e", "d/e.ms")],
)
def test_output_path(text: str, expected: str) -> None:
    assert output_path(text) == Path(expected)


@pytest.mark.parametrize("text", ["", "dir/", "dir\\"])
def test_an_output_that_names_no_file_is_refused(text: str) -> None:
    with pytest.raises(ConversionError) as caught:
        output_path(text)
    assert caught.value.status == Status.INPUT_PARAM_INVALID


def test_help_and_version_need_no_model() -> None:
    assert parse_flags(["--help"]).show_help
    assert parse_flags(["--help=true"]).show_help
    assert parse_flags(["--version"]).show_version
    assert not parse_flags([*BASE, "--no-help"]).show_help


def test_no_arguments_name_everything_that_is_required() -> None:
    assert [(code, message) for code, message, _ in problems()] == [
        ("E104", "--fmk is missing"),
        ("E104", "--modelFile is missing"),
        ("E104", "--outputFile is missing"),
    ]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("garbage", ("E101", "'garbage' is not a flag", "a flag looks like --name=value")),
        ("X=--y", ("E101", "'X=--y' is not a flag", "a flag looks like --name=value")),
        ("", ("E101", "'' is not a flag", "a flag looks like --name=value")),
        ("-fp16=off", ("E101", "'-fp16=off' is not a flag", "did you mean '--fp16'?")),
        ("--FP16=off", ("E101", "unknown flag '--FP16'", "did you mean '--fp16'?")),
        ("--foo=1", ("E101", "unknown flag '--foo'", None)),
        ("--fmk=MINDIR", ("E102", "--fmk is given twice", "the official converter takes each flag once")),
        ("--trainModel", ("E103", "--trainModel has no value", "write '--trainModel=true|false'")),
        ("--trainModel=True", ("E103", "--trainModel: 'True' is not 'true' or 'false'", "did you mean 'true'?")),
        ("--trainModel=", ("E103", "--trainModel: '' is not 'true' or 'false'", None)),
        ("--no-trainModel", ("E101", "'--no-trainModel': --trainModel takes a value", "write '--trainModel=false'")),
        ("--no-fp16", ("E101", "'--no-fp16': --fp16 takes a value", "write '--fp16=off'")),
        ("--no-help=1", ("E103", "'--no-help' takes no value", None)),
        ("--help=2", ("E103", "--help: '2' is not 'true' or 'false'", None)),
        ("--verify=all", ("E103", "--verify: 'all' is not 'each'", None)),
        (
            "--fp16=on",
            (
                "E105",
                "--fp16=on is not supported: constants keep the data type of the model",
                "use '--fp16=off', or leave it out",
            ),
        ),
        (
            "--optimize=ascend_oriented:Ascend310P",
            (
                "E105",
                "--optimize=ascend_oriented:Ascend310P is not supported:"
                " this converter optimizes for the CPU runtime only",
                "use '--optimize=none' or '--optimize=general', or leave it out",
            ),
        ),
        (
            "--decryptKey=30",
            (
                "E105",
                "--decryptKey=30 is not supported: export the model without encryption",
                "leave out '--decryptKey'",
            ),
        ),
    ],
)
def test_one_wrong_item(item: str, expected: tuple[str, str, str | None]) -> None:
    assert problems(*BASE, item) == [expected]


def test_a_blank_instead_of_the_equals_sign_is_one_problem_with_the_right_spelling() -> None:
    assert problems("--fmk", "MINDIR", *BASE[1:]) == [("E103", "--fmk has no value", "write '--fmk=MINDIR'")]


def test_a_flag_without_value_before_another_flag_is_not_forgotten() -> None:
    assert problems("--modelFile", *BASE[::2]) == [("E103", "--modelFile has no value", "write '--modelFile=FILE'")]


def test_a_misspelled_flag_is_not_reported_as_missing_too() -> None:
    assert codes("--modelfile=a", *BASE[::2]) == ["E101"]


@pytest.mark.parametrize("fmk", ["TF", "TFLITE", "CAFFE", "ONNX", "OM", "PYTORCH", "MSLITE"])
def test_other_frameworks_are_refused_by_name(fmk: str) -> None:
    expected = f"--fmk={fmk} is not supported: this converter reads MindSpore MindIR only"
    assert problems(f"--fmk={fmk}", *BASE[1:]) == [("E105", expected, "use '--fmk=MINDIR'")]


def test_an_unknown_framework_is_a_wrong_value() -> None:
    code, _, hint = problems("--fmk=mindir", *BASE[1:])[0]
    assert (code, hint) == ("E103", "did you mean 'MINDIR'?")


def test_everything_is_reported_at_once() -> None:
    argv = ("x", "--foo", "--fmk=TF", "--fmk=TF", "--outputFile=d/", "--infer=yes", "--fp16=on")
    assert codes(*argv) == ["E101", "E101", "E105", "E102", "E103", "E105", "E104", "E103"]


def test_every_official_flag_is_accepted_at_its_default() -> None:
    given = {flag.name: flag.default for flag in FLAGS if flag.is_official and flag.kind != "switch"}
    given |= {"fmk": "MINDIR", "modelFile": "net.mindir", "outputFile": "out/net"}
    assert parse_flags([f"--{name}={value}" for name, value in given.items()]) == parse_flags(BASE)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((), False),
        (("--optimize=none",), True),
        (("--NoFusion=true",), True),
        (("--NoFusion=false", "--optimize=none"), False),
    ],
)
def test_fusion_switches(items: tuple[str, ...], expected: bool) -> None:
    assert parse_flags([*BASE, *items]).disable_fusion is expected


def test_flags_and_config_join_to_options() -> None:
    text = "[common_quant_param]\nquant_type=WEIGHT_QUANT\n[registry]\nfusion_blacklists=a,b\n"
    flags = parse_flags([*BASE, "--trainModel=true", "--skip-pass=p"])
    options = flags.options(parse_config(text, Path("q.cfg")))
    assert (options.train, options.quant, options.skip_passes) == (True, QuantOptions(), ("p",))
    assert options.fusion_blacklists == ("a", "b")
    assert flags.options(None).quant is None


def test_usage_names_every_flag_and_no_error() -> None:
    lines = usage().splitlines()
    for flag in FLAGS:
        assert any(line.startswith(f"  --{flag.name}") for line in lines)
    assert max(map(len, lines)) <= 100
    assert "error" not in usage().lower()


@given(
    st.lists(
        st.text(max_size=12)
        | st.sampled_from([f"--{flag.name}" for flag in FLAGS]).flatmap(
            lambda name: st.text(max_size=6).map(lambda value: f"{name}{value}")
        ),
        max_size=8,
    )
)
def test_random_arguments_raise_nothing_but_conversion_errors(argv: list[str]) -> None:
    text = ""
    try:
        parse_flags(argv)
    except ConversionError as wrong:
        text = str(wrong)
    assert text.replace("\n", "").isprintable()
