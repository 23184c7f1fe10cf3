"""Every key about quantization: its effect, its default, both ends of its range, and what a wrong value is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from converter.config import parse_config
from converter.config.keys import Key, Section
from converter.config.quant_sections import QUANT_SECTIONS
from converter.errors import ConversionError
from converter.options import CalibrationOptions, QuantOptions

WEIGHT = "[common_quant_param]\nquant_type=WEIGHT_QUANT\n"
MIXED = WEIGHT + "bit_num=0\n"
FULL = "[common_quant_param]\nquant_type=FULL_QUANT\n"
DYNAMIC = "[common_quant_param]\nquant_type=DYNAMIC_QUANT\n"
DATA = "[data_preprocess_param]\ncalibrate_path=x:s\ncalibrate_size=2\ninput_type=IMAGE\n"
CALIBRATION = CalibrationOptions((("x", "s", "s"),), 2, "IMAGE")
# The start of a config in which a section has an effect, and the options that it means.
STARTS = {
    "common_quant_param": (WEIGHT, QuantOptions()),
    "weight_quant_param": (WEIGHT, QuantOptions()),
    "mixed_bit_weight_quant_param": (MIXED, QuantOptions(bit_num=0)),
    "full_quant_param": (FULL + DATA, QuantOptions(quant_type="FULL_QUANT", calibration=CALIBRATION)),
    "data_preprocess_param": (FULL + DATA, QuantOptions(quant_type="FULL_QUANT", calibration=CALIBRATION)),
    "dynamic_quant_param": (DYNAMIC, QuantOptions(quant_type="DYNAMIC_QUANT")),
}
# What a setting changes in the options; settings of one group mean something only together.
EFFECTS: dict[tuple[str, str], tuple[str, dict[str, object]]] = {
    ("common_quant_param", "quant_type"): ("quant_type=DYNAMIC_QUANT", {"quant_type": "DYNAMIC_QUANT"}),
    ("common_quant_param", "bit_num"): ("bit_num=3", {"bit_num": 3}),
    ("common_quant_param", "min_quant_weight_size"): ("min_quant_weight_size=7", {"min_quant_weight_size": 7}),
    ("common_quant_param", "min_quant_weight_channel"): ("min_quant_weight_channel=7", {"min_quant_weight_channel": 7}),
    ("common_quant_param", "skip_quant_node"): ("skip_quant_node=a,b", {"skip_quant_node": ("a", "b")}),
    ("common_quant_param", "debug_info_save_path"): ("debug_info_save_path=d", {"debug_path": "d"}),
    ("common_quant_param", "enable_encode"): ("enable_encode=false", {"enable_encode": False}),
    ("common_quant_param", "workspace"): ("workspace=w", {"workspace": "w"}),
    ("weight_quant_param", "per_channel"): ("per_channel=false", {"per_channel": False}),
    ("weight_quant_param", "bias_correction"): ("bias_correction=false", {"bias_correction": False}),
    ("weight_quant_param", "update_mindir"): ("update_mindir=false", {}),
    ("mixed_bit_weight_quant_param", "init_scale"): ("init_scale=0.5", {"init_scale": 0.5}),
    ("mixed_bit_weight_quant_param", "auto_tune"): ("auto_tune=true", {"auto_tune": True}),
    ("mixed_bit_weight_quant_param", "max_iterations"): ("max_iterations=41", {"max_iterations": 41}),
    ("mixed_bit_weight_quant_param", "workspace"): ("workspace=w", {}),
    ("full_quant_param", "activation_quant_method"): ("activation_quant_method=KL", {"activation_method": "KL"}),
    ("full_quant_param", "per_channel"): ("per_channel=false", {"per_channel": False}),
    ("full_quant_param", "bias_correction"): ("bias_correction=false", {"bias_correction": False}),
    ("dynamic_quant_param", "quant_strategy"): ("quant_strategy=ACWL", {"dynamic_strategy": "ACWL"}),
    ("data_preprocess_param", "calibrate_path"): ("calibrate_path=y:t", {"directories": (("y", "t", "t"),)}),
    ("data_preprocess_param", "calibrate_size"): ("calibrate_size=9", {"size": 9}),
    ("data_preprocess_param", "input_type"): ("input_type=BIN", {"input_type": "BIN"}),
    ("data_preprocess_param", "image_to_format"): ("image_to_format=RGB", {"image_format": "RGB"}),
}
_NORMALIZATION = "normalize_mean=[1,2,3]\nnormalize_std=[4,5,6]"
_RESIZING = "resize_width=3\nresize_height=5\nresize_method=CUBIC"
_CROP = "center_crop_width=3\ncenter_crop_height=5"
for _name in ("normalize_mean", "normalize_std"):
    EFFECTS["data_preprocess_param", _name] = (_NORMALIZATION, {"mean": (1.0, 2.0, 3.0), "std": (4.0, 5.0, 6.0)})
for _name in ("resize_width", "resize_height", "resize_method"):
    EFFECTS["data_preprocess_param", _name] = (_RESIZING, {"resize": (3, 5), "resize_method": "CUBIC"})
for _name in ("center_crop_width", "center_crop_height"):
    EFFECTS["data_preprocess_param", _name] = (_CROP, {"crop": (3, 5)})
ROWS = [(section, key) for section in QUANT_SECTIONS for key in section.keys]
NUMBERS = [(section, key) for section, key in ROWS if key.kind in ("int", "float")]


def name_of(part: object) -> str:
    return part.name if isinstance(part, Section | Key) else str(part)


def text_with(section: Section, line: str) -> str:
    return f"{STARTS[section.name][0]}[{section.name}]\n{line}\n"


def messages(section: Section, line: str) -> list[str]:
    """What is wrong with the line itself; what it then lacks beside it is another matter."""
    with pytest.raises(ConversionError) as caught:
        parse_config(text_with(section, line), Path("q.cfg"))
    number = text_with(section, line).count("\n")
    return [problem.message for problem in caught.value.problems if problem.line == number]


@pytest.mark.parametrize(("section", "key"), ROWS, ids=name_of)
def test_every_key_has_its_effect_or_is_refused(section: Section, key: Key) -> None:
    if key.refusal:
        values = [v for v in (*key.values, "true", "0.25", "2") if v != str(key.default)]
        for value in values:
            try:
                config = parse_config(text_with(section, f"{key.name}={value}"), Path("q.cfg"))
            except ConversionError:
                continue
            assert [each.code for each in config.refusals()] == ["E116"], value
        return
    line, changes = EFFECTS[section.name, key.name]
    before = STARTS[section.name][1]
    if section.name == "data_preprocess_param":
        expected = replace(before, calibration=replace(CALIBRATION, **changes))  # type: ignore[arg-type] # by name
    else:
        expected = replace(before, **changes)  # type: ignore[arg-type] # by name
    assert parse_config(text_with(section, line), Path("q.cfg")).quant() == expected


@pytest.mark.parametrize(("section", "key"), ROWS, ids=name_of)
def test_every_default_is_what_a_missing_key_means(section: Section, key: Key) -> None:
    if key.default in (None, ()):
        return
    text = str(key.default).lower() if isinstance(key.default, bool) else str(key.default)
    if section.name == "mixed_bit_weight_quant_param" or key.name != "bit_num":
        assert parse_config(text_with(section, f"{key.name}={text}"), Path("q.cfg")).quant() == STARTS[section.name][1]


@pytest.mark.parametrize(("section", "key"), NUMBERS, ids=name_of)
def test_both_ends_of_a_range(section: Section, key: Key) -> None:
    shown = [f"{bound:.12g}" for bound in (key.low, key.high)]
    limits = f"({shown[0]}, {shown[1]})" if key.is_open else f"[{shown[0]}, {shown[1]}]"
    beyond = shown if key.is_open else [f"{key.low - 1:.12g}", f"{key.high + 1:.12g}"]
    inside = ["0.0001", "0.9999"] if key.is_open else shown
    for text in inside:
        with pytest.raises(ConversionError) as caught:
            parse_config(text_with(section, f"{key.name}={text}") + "[nothing]\n", Path("q.cfg"))
        assert not [
            problem for problem in caught.value.problems if key.name in problem.message and "is not" in problem.message
        ]
    for text in beyond:
        assert messages(section, f"{key.name}={text}") == [f"{key.name} in [{section.name}]: {text} is not in {limits}"]


@pytest.mark.parametrize(("section", "key"), ROWS, ids=name_of)
def test_every_wrong_value_is_told_what_is_right(section: Section, key: Key) -> None:
    where = f"{key.name} in [{section.name}]: "
    if key.kind == "choice":
        quoted = [f"'{value}'" for value in key.values]
        right = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
        assert messages(section, f"{key.name}=wrong") == [f"{where}'wrong' is not {right}"]
    elif key.kind == "bool":
        assert messages(section, f"{key.name}=1") == [f"{where}'1' is not 'true' or 'false'"]
    elif key.kind == "int":
        assert messages(section, f"{key.name}=1.5") == [f"{where}'1.5' is not a whole number"]
    elif key.kind == "float":
        assert messages(section, f"{key.name}=much") == [f"{where}'much' is not a number"]
    elif key.kind == "floats":
        assert messages(section, f"{key.name}=1,2") == [f"{where}'1,2' is not a list of numbers"]
        assert messages(section, f"{key.name}=[1,x]") == [f"{where}'x' is not a number"]
    elif key.kind == "calibration":
        assert messages(section, f"{key.name}=samples") == [f"{where}'samples' is not INPUT:DIRECTORY"]
    else:
        assert key.kind in ("names", "place")
        assert messages(section, f"{key.name}=") == [f"'{key.name}=' has no value"]


def test_all_mistakes_of_a_file_come_together() -> None:
    text = (
        "quant=1\n[common_quant_param]\nquant_type=FULL\nbit_num=17\n[full_quant_param\nper_channel=2\n[data_preprocess]\n"
        "calibrate_size=0\ncalibrate_path=a=b\nfoo\n"
    )
    with pytest.raises(ConversionError) as caught:
        parse_config(text, Path("q.cfg"))
    assert [problem.line for problem in caught.value.problems] == [1, 3, 4, 5, 6, 7, 8, 9, 10]
