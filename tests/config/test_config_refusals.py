"""What a config can ask for: quantization, fusion, and everything that is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.config import Config, convert_options, parse_config
from converter.config.sections import SECTIONS
from converter.errors import ConversionError, Status
from converter.options import ConvertOptions, QuantOptions

PATH = Path("q.cfg")
BASE = "[common_quant_param]\nquant_type=WEIGHT_QUANT\n"


def parse(text: str) -> Config:
    return parse_config(text, PATH)


def refusals(text: str) -> list[tuple[str, int | None, str, str | None]]:
    config = parse(text)
    with pytest.raises(ConversionError) as caught:
        config.quant()
    assert caught.value.problems == config.refusals()
    assert caught.value.status == Status.NOT_SUPPORT
    return [(problem.code, problem.line, problem.message, problem.hint) for problem in caught.value.problems]


def test_weight_quantization_in_full() -> None:
    text = (
        BASE + "bit_num=8\nmin_quant_weight_size=5\nmin_quant_weight_channel=7\nskip_quant_node=a,b\n"
        "enable_encode=false\nworkspace=tmp\n[weight_quant_param]\nquant_strategy=MAX_MIN\nmax_segments=1\n"
        "per_channel=False\nbias_correction=false\nupdate_mindir=false\n"
    )
    assert parse(text).quant() == QuantOptions(
        bit_num=8,
        min_quant_weight_size=5,
        min_quant_weight_channel=7,
        skip_quant_node=("a", "b"),
        per_channel=False,
        bias_correction=False,
        enable_encode=False,
        workspace="tmp",
    )


def test_defaults() -> None:
    assert parse(BASE).quant() == QuantOptions()
    assert convert_options(parse("# nothing\n")) == convert_options(None) == ConvertOptions()


def test_fusion_settings() -> None:
    config = parse("[registry]\ndisable_fusion=on\nfusion_blacklists=ConvActivationFusion, MatMulActivationFusion\n")
    assert config.disable_fusion
    assert config.fusion_blacklists == ("ConvActivationFusion", "MatMulActivationFusion")
    assert convert_options(config, ConvertOptions(train=True)).disable_fusion


@pytest.mark.parametrize(
    ("text", "line", "start", "hint"),
    [
        (
            BASE + "bit_num=0\n[mixed_bit_weight_quant_param]\nuse_cv_data=true\n",
            5,
            "use_cv_data=true in [mixed_bit_weight_quant_param]",
            "use 'use_cv_data=false', or remove it",
        ),
        (
            BASE + "[weight_quant_param]\nquant_strategy=GPTQ\n",
            4,
            "quant_strategy=GPTQ in [weight_quant_param]",
            "use 'quant_strategy=MAX_MIN', or remove it",
        ),
        (
            BASE + "[weight_quant_param]\ndequant_strategy=ON_THE_FLY\n",
            4,
            "dequant_strategy=ON_THE_FLY in [weight_quant_param]",
            "remove 'dequant_strategy'",
        ),
        (BASE + "[weight_quant_param]\nmax_segments=2\n", 4, "max_segments=2 in", "use 'max_segments=1', or remove it"),
        ("[registry]\nplugin_path=a.so\n", 2, "plugin_path=a.so in [registry]", "remove 'plugin_path'"),
        ("[micro_param]\nenable_micro=TRUE\n", 2, "enable_micro=TRUE in", "use 'enable_micro=false', or remove it"),
        ("[transform_quant_param]\nexport_precision_mode=FLOAT32\n", 2, "export_precision_mode=FLOAT32 in", None),
        ("[acl_option_cfg_param]\ndevice_id=0\naoe_mode=1\n", 2, "[acl_option_cfg_param]", "remove the section"),
        ("[ascend_context]\nanything=1\n", 2, "[ascend_context]", "remove the section"),
        ("[om_converter_options]\ninput_name_vector=a\n", 2, "[om_converter_options]", "remove the section"),
        ("[cpu_option_cfg_param]\narchitecture=ARM64\n", 2, "[cpu_option_cfg_param]", "remove the section"),
        ("[graph_kernel_param]\nopt_level=3\n", 2, "[graph_kernel_param]", "remove the section"),
        ("[model_param]\nfmk=MINDIR\n[model_param]\nfmk=MINDIR\n", 2, "[model_param]", "remove the section"),
    ],
)
def test_features_that_do_not_exist_are_refused_by_name(text: str, line: int, start: str, hint: str | None) -> None:
    [(code, found_line, message, found_hint)] = refusals(text)
    assert (code, found_line) == ("E116", line)
    assert message.startswith(start)
    assert " is not supported: " in message
    assert hint is None or found_hint == hint


def test_all_refusals_come_at_once() -> None:
    text = BASE + "[registry]\nplugin_path=a.so\n[ascend_context]\nx=1\n"
    assert [line for _, line, _, _ in refusals(text)] == [4, 6]


def test_a_setting_that_nothing_reads_is_not_refused_but_warned_about() -> None:
    config = parse(
        BASE + "[mixed_bit_weight_quant_param]\ninit_scale=0.5\n[micro_param]\ntarget=ARM64\ndebug_mode=true\n"
    )
    assert config.quant() == QuantOptions()
    assert config.warnings == (
        "q.cfg:4: [mixed_bit_weight_quant_param] has no effect: it needs bit_num=0 in [common_quant_param]",
        "q.cfg:6: [micro_param] has no effect: it needs enable_micro=true in [micro_param]",
    )


def test_every_default_of_the_official_converter_is_accepted() -> None:
    lines = []
    for section in SECTIONS:
        if not section.refusal and section.name != "common_quant_param":
            lines.append(f"[{section.name}]")
            lines += [f"{key.name}={key.default}" for key in section.keys if key.default not in {None, ()}]
    config = parse(BASE + "\n".join(lines))
    assert config.quant() == QuantOptions()
    assert config.canonical() == parse(BASE).canonical()


def test_sections_of_several_models_do_not_merge() -> None:
    config = parse("[model_param]\nmodelFile=a.mindir\n[model_param]\nmodelFile=b.mindir\n")
    assert [setting.text for setting in config.values.values()] == ["a.mindir", "b.mindir"]
    assert config.warnings == ()
