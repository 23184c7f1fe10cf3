"""Settings of FULL_QUANT: what they become, and what they must say together."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.config import load_config, parse_config
from converter.errors import ConversionError
from converter.options import CalibrationOptions, QuantOptions

FULL = "[common_quant_param]\nquant_type=FULL_QUANT\n"
DATA = "[data_preprocess_param]\ncalibrate_path=x:a,y:b\ncalibrate_size=7\n"


def problems(text: str) -> list[tuple[int | None, str, str | None]]:
    with pytest.raises(ConversionError) as caught:
        parse_config(text, Path("q.cfg"))
    assert {problem.code for problem in caught.value.problems} == {"E112"}
    return [(problem.line, problem.message, problem.hint) for problem in caught.value.problems]


def test_everything_about_images() -> None:
    text = (
        FULL + "workspace=kept\n" + DATA + "input_type=IMAGE\nimage_to_format=RGB\nnormalize_mean=[1,2,3]\n"
        "normalize_std=[0.5,1,2]\nresize_width=11\nresize_height=13\nresize_method=CUBIC\ncenter_crop_width=5\n"
        "center_crop_height=7\n[full_quant_param]\nactivation_quant_method=KL\nper_channel=false\nbias_correction=FALSE\n"
    )
    options = parse_config(text, Path("configs/q.cfg")).quant()
    assert options == QuantOptions(
        quant_type="FULL_QUANT",
        per_channel=False,
        bias_correction=False,
        activation_method="KL",
        workspace="kept",
        calibration=CalibrationOptions(
            directories=(("x", str(Path("configs/a")), "a"), ("y", str(Path("configs/b")), "b")),
            size=7,
            input_type="IMAGE",
            image_format="RGB",
            mean=(1.0, 2.0, 3.0),
            std=(0.5, 1.0, 2.0),
            resize=(11, 13),
            resize_method="CUBIC",
            crop=(5, 7),
        ),
    )


def test_defaults_of_full_quantization() -> None:
    options = parse_config(FULL + DATA + "input_type=BIN\n", Path("q.cfg")).quant()
    assert options == QuantOptions(
        quant_type="FULL_QUANT",
        calibration=CalibrationOptions(directories=(("x", "a", "a"), ("y", "b", "b")), size=7),
    )


def test_options_survive_json() -> None:
    options = parse_config(FULL + DATA + "input_type=IMAGE\n", Path("q.cfg")).quant()
    assert options is not None
    assert QuantOptions.from_canonical(options.canonical()) == options


def test_directories_are_build_inputs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    path = tmp_path / "q.cfg"
    path.write_text(FULL + DATA + "input_type=BIN\n", encoding="utf-8")
    assert [(entry.path, entry.kind) for entry in load_config(path).inputs] == [
        (tmp_path / "a", "directory"),
        (tmp_path / "b", "directory"),
    ]


def test_what_calibration_needs_is_asked_for_at_once() -> None:
    assert problems(FULL) == [
        (2, f"no {key} in [data_preprocess_param]: FULL_QUANT needs calibration data", hint)
        for key, hint in (
            ("calibrate_path", "add calibrate_path=INPUT:DIRECTORY, with one directory for each model input"),
            ("calibrate_size", "add calibrate_size=N, the number of samples"),
            ("input_type", "add input_type=BIN or input_type=IMAGE"),
        )
    ]


def test_a_wrong_value_is_not_reported_as_missing_too() -> None:
    assert problems(FULL + DATA + "input_type=PNG\n") == [
        (6, "input_type in [data_preprocess_param]: 'PNG' is not 'IMAGE' or 'BIN'", None)
    ]


@pytest.mark.parametrize(
    ("lines", "message", "hint"),
    [
        (
            "normalize_mean=[1,2,3]",
            "normalize_mean in [data_preprocess_param] has no effect without normalize_std",
            "add normalize_std, or remove normalize_mean",
        ),
        (
            "resize_width=5",
            "resize_width in [data_preprocess_param] has no effect without resize_height and resize_method",
            "add resize_height and resize_method, or remove resize_width",
        ),
        (
            "center_crop_height=5",
            "center_crop_height in [data_preprocess_param] has no effect without center_crop_width",
            "add center_crop_width, or remove center_crop_height",
        ),
        (
            "normalize_mean=[1,2,3]\nnormalize_std=[1,2]",
            "normalize_std in [data_preprocess_param]: 2 numbers for an image of 3 channels",
            "write it like '[0.5,0.5,0.5]'",
        ),
        (
            "image_to_format=GRAY\nnormalize_mean=[1]\nnormalize_std=[1,2,3]",
            "normalize_std in [data_preprocess_param]: 3 numbers for an image of 1 channel",
            "write it like '[0.5]'",
        ),
        (
            "normalize_mean=[1,2,3]\nnormalize_std=[1,0,3]",
            "normalize_std in [data_preprocess_param]: a deviation must be above 0",
            "write it like '[0.5,0.5,0.5]'",
        ),
    ],
)
def test_image_settings_that_do_not_fit_together(lines: str, message: str, hint: str) -> None:
    [(_, found, found_hint)] = problems(FULL + DATA + f"input_type=IMAGE\n{lines}\n")
    assert (found, found_hint) == (message, hint)


def test_image_settings_without_images_are_warned_about() -> None:
    config = parse_config(FULL + DATA + "input_type=BIN\nimage_to_format=RGB\n", Path("q.cfg"))
    assert config.warnings == ("q.cfg:7: 'image_to_format' has no effect: it needs input_type=IMAGE",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("target_device=KIRIN", "this converter writes models for the CPU runtime only"),
        (
            "smooth_alpha=0.25",
            "ranges are not moved from activations to weights; the official converter does it for Ascend only",
        ),
        ("enable_smooth_shift=true", "activations are not shifted; the official converter does it for Ascend only"),
        ("enable_all_ops=true", "operators without an int8 kernel of the CPU runtime stay float"),
    ],
)
def test_what_full_quantization_does_not_do_is_refused_with_the_reason(line: str, reason: str) -> None:
    config = parse_config(FULL + DATA + f"input_type=BIN\n[full_quant_param]\n{line}\n", Path("q.cfg"))
    [refusal] = config.refusals()
    assert (refusal.code, refusal.line) == ("E116", 8)
    assert refusal.message == f"{line} in [full_quant_param] is not supported: {reason}"
