from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.config import parse_config
from converter.errors import ConversionError, Status
from converter.flags import Flags, output_path, parse_flags, usage
from converter.flags.table import FLAGS
from converter.options import ConvertOptions, QuantOptions

BASE = ("--fmk=MINDIR", "--modelFile=net.mindir", "--outputFile=out/net")


def problems(*argv: str) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ConversionError) as caught:
        parse_flags(argv)
    return [(problem.code, problem.message, problem.hint) for problem in caught.value.problems]


def codes(*argv: str) -> list[str]:
    return [code for code, _, _ in problems(*argv)]


def test_the_command_line_of_the_training_converter() -> None:
    flags = parse_flags([*BASE, "--trainModel=true", "--configFile=q.cfg"])
    asked = ConvertOptions(train=True)
    assert flags == Flags(Path("net.mindir"), Path("out/net.ms"), asked, config_file=Path("q.cfg"))


def test_own_flags() -> None:
    own = ("--skip-pass=a, b,,c", "--dump-ir=ir", "--verify=each", "--report=r.json", "--traceback")
    assert parse_flags([*BASE, *own]) == Flags(
        Path("net.mindir"),
        Path("out/net.ms"),
        ConvertOptions(skip_passes=("a", "b", "c"), verify_each=True),
        dump_ir=Path("ir"),
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
        ("--fp16=yes", ("E103", "--fp16: 'yes' is not 'on' or 'off'", None)),
        (
            "--inputDataFormat=NHCW",
            ("E103", "--inputDataFormat: 'NHCW' is not 'NHWC' or 'NCHW'", "did you mean 'NHWC'?"),
        ),
        (
            "--outputDataFormat=nhwc",
            ("E103", "--outputDataFormat: 'nhwc' is not 'NHWC' or 'NCHW'", "did you mean 'NHWC'?"),
        ),
        (
            "--inputDataType=FLOAT32",
            (
                "E103",
                "--inputDataType: 'FLOAT32' is not 'FLOAT16', 'FLOAT', 'INT8', 'UINT8', 'INT32', 'INT64' or 'DEFAULT'",
                "did you mean 'FLOAT'?",
            ),
        ),
        (
            "--outputDataType=INT32",
            (
                "E103",
                "--outputDataType: 'INT32' is not 'FLOAT16', 'FLOAT', 'INT8', 'UINT8' or 'DEFAULT'",
                None,
            ),
        ),
        (
            "--inputDataType=FLOAT16",
            (
                "E105",
                "--inputDataType=FLOAT16 is not supported:"
                " the CPU runtime takes and gives float32 where the file says float16",
                "use '--inputDataType=FLOAT', '--inputDataType=INT8', '--inputDataType=UINT8', '--inputDataType=INT32',"
                " '--inputDataType=INT64' or '--inputDataType=DEFAULT', or leave it out",
            ),
        ),
        ("--infer=1", ("E103", "--infer: '1' is not 'true' or 'false'", None)),
        (
            "--saveType=MINDIR",
            (
                "E105",
                "--saveType=MINDIR is not supported: this converter writes .ms files only",
                "use '--saveType=MINDIR_LITE', or leave it out",
            ),
        ),
        (
            "--device=Ascend310P",
            (
                "E105",
                "--device=Ascend310P is not supported: this converter writes models for the CPU runtime only",
                "use '--device=CPU', or leave it out",
            ),
        ),
        (
            "--weightFile=w.caffemodel",
            (
                "E105",
                "--weightFile=w.caffemodel is not supported: only CAFFE models have one",
                "leave out '--weightFile'",
            ),
        ),
        (
            "--optimizeTransformer=true",
            (
                "E105",
                "--optimizeTransformer=true is not supported: the CPU runtime has no fused transformer layer",
                "use '--optimizeTransformer=false', or leave it out",
            ),
        ),
        ("--decryptMode=SM4-CBC", ("E103", "--decryptMode: 'SM4-CBC' is not 'AES-GCM' or 'AES-CBC'", None)),
        ("--encryption=on", ("E103", "--encryption: 'on' is not 'true' or 'false'", None)),
        (
            "--encryption=true",
            (
                "E104",
                "--encryptKey is missing, which --encryption=true needs",
                "add '--encryptKey=env:VARIABLE', or leave out '--encryption'",
            ),
        ),
        ("--encryptKey", ("E103", "--encryptKey has no value", "write '--encryptKey=DIGITS|env:VARIABLE|file:FILE'")),
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
                "E103",
                "--decryptKey: a key is 32, 48 or 64 hexadecimal digits; this one has 2",
                "write '--decryptKey=env:VARIABLE' or '--decryptKey=file:FILE' for the place of the digits,"
                " or the digits",
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
    argv = ("x", "--foo", "--fmk=TF", "--fmk=TF", "--outputFile=d/", "--infer=yes", "--fp16=on", "--trainModel=true")
    more = ("--encryption=true", "--inputDataType=INT64", "--inputShape=x", "--decryptKey=0")
    expected = ["E101", "E101", "E105", "E102", "E103", "E104", "E105", "E103", "E104", "E103", "E103", "E103"]
    assert codes(*argv, *more) == expected


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
    assert parse_flags([*BASE, *items]).asked.disable_fusion is expected


def test_flags_and_config_join_to_options() -> None:
    text = "[common_quant_param]\nquant_type=WEIGHT_QUANT\n[registry]\nfusion_blacklists=a,b\n"
    flags = parse_flags([*BASE, "--trainModel=true", "--skip-pass=p"])
    options = flags.options(parse_config(text, Path("q.cfg")))
    assert (options.train, options.quant, options.skip_passes) == (True, QuantOptions(), ("p",))
    assert options.fusion_blacklists == ("a", "b")
    assert flags.options(None).quant is None


def test_conversion_flags() -> None:
    flags = parse_flags(
        [
            *BASE,
            "--fp16=on",
            "--inputShape=x:2,3;in:put: 5 ;",
            "--inputDataFormat=NCHW",
            "--outputDataFormat=NHWC",
            "--inputDataType=INT64",
            "--outputDataType=FLOAT",
            "--infer=true",
            "--decryptKey=env:KEY",
            "--decryptMode=AES-CBC",
            "--encryptKey=file:key",
            "--saveType=MINDIR_LITE",
            "--device=CPU",
        ]
    )
    assert flags.asked == ConvertOptions(
        fp16=True,
        input_shapes=(("x", (2, 3)), ("in:put", (5,))),
        input_layout="NCHW",
        output_layout="NHWC",
        input_type="INT64",
        output_type="FLOAT",
        infer=True,
        decrypt_mode="AES-CBC",
        encrypt=True,
    )
    assert flags.decrypt_key is not None
    assert flags.encrypt_key is not None
    assert (flags.decrypt_key.place, flags.encrypt_key.place) == ("env:KEY", "file:key")


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("x", ["'x' is not a name, ':' and dimensions"]),
        (":1,2", ["':1,2' is not a name, ':' and dimensions"]),
        ("x:", ["'' for 'x' is not a dimension, a number from 1 to 2147483647"]),
        ("x:1;x:2", ["'x' is given twice"]),
        (
            "x:0,-1;y:2147483648,3",
            [f"'{dim}' is not a dimension, a number from 1 to 2147483647" for dim in ("0' for 'x", "-1' for 'x")]
            + ["'2147483648' for 'y' is not a dimension, a number from 1 to 2147483647"],
        ),
        ("x:1.5,1e3,\u0663", ["1.5", "1e3", "\u0663"]),
        ("x:1,,2;y", ["'' for 'x'", "'y' is not a name"]),
    ],
)
def test_wrong_shapes(text: str, complaints: list[str]) -> None:
    found = problems(*BASE, f"--inputShape={text}")
    assert {code for code, _, _ in found} == {"E103"}
    assert {hint for _, _, hint in found} == {"write '--inputShape=name:1,32,32;name2:5'"}
    assert len(found) == len(complaints)
    for (_, message, _), complaint in zip(found, complaints, strict=True):
        assert message.startswith("--inputShape: ")
        assert complaint in message


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (
            "--fp16=on",
            (
                "E105",
                "--fp16=on does not go with --trainModel=true: the training runtime reads float16 weights as float32",
                "leave out '--fp16'",
            ),
        ),
        (
            "--inputDataType=INT64",
            (
                "E103",
                "--inputDataType=INT64 does not go with --trainModel=true: training computes with float32",
                "use '--inputDataType=FLOAT', or leave it out",
            ),
        ),
        (
            "--outputDataType=UINT8",
            (
                "E103",
                "--outputDataType=UINT8 does not go with --trainModel=true: training computes with float32",
                "use '--outputDataType=FLOAT', or leave it out",
            ),
        ),
    ],
)
def test_what_training_does_not_go_with(flag: str, expected: tuple[str, str, str]) -> None:
    parse_flags([*BASE, flag])
    assert problems(*BASE, "--trainModel=true", flag) == [expected]


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
