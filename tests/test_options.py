from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.flags.table import FLAGS, SUPPORTED
from converter.options import ConvertOptions, QuantOptions

NAMES = st.lists(st.text(min_size=1, max_size=7), max_size=5).map(tuple)
QUANT = st.builds(
    QuantOptions,
    min_quant_weight_size=st.integers(0, 65535),
    min_quant_weight_channel=st.integers(0, 65535),
    skip_quant_node=NAMES,
    per_channel=st.booleans(),
    bias_correction=st.booleans(),
    enable_encode=st.booleans(),
)
OPTIONS = st.builds(
    ConvertOptions,
    train=st.booleans(),
    quant=st.none() | QUANT,
    disable_fusion=st.booleans(),
    fusion_blacklists=NAMES,
    skip_passes=NAMES,
    fp16=st.booleans(),
    input_shapes=st.dictionaries(st.text(max_size=5), st.lists(st.integers(1, 99)).map(tuple)).map(
        lambda shapes: tuple(shapes.items())
    ),
    input_layout=st.sampled_from(["NHWC", "NCHW"]),
    output_type=st.sampled_from(["DEFAULT", "FLOAT16"]),
    encrypt=st.booleans(),
)


@given(OPTIONS)
def test_options_survive_the_way_through_a_build_signature(options: ConvertOptions) -> None:
    text = json.dumps(options.canonical())
    rebuilt = ConvertOptions.from_canonical(json.loads(text))
    assert json.dumps(rebuilt.canonical()) == text
    unordered = {"quant": None, "skip_passes": (), "fusion_blacklists": (), "input_shapes": ()}
    assert replace(rebuilt, **unordered) == replace(options, **unordered)  # type: ignore[arg-type]
    assert dict(rebuilt.input_shapes) == dict(options.input_shapes)


def test_canonical_keys_are_sorted_on_every_level() -> None:
    canonical = ConvertOptions(quant=QuantOptions()).canonical()
    assert list(canonical) == sorted(canonical)
    assert list(canonical["quant"]) == sorted(canonical["quant"])


def test_order_and_repetition_of_names_do_not_change_the_signature() -> None:
    one = ConvertOptions(skip_passes=("b", "a", "b"), quant=QuantOptions(skip_quant_node=("y", "x")))
    other = ConvertOptions(skip_passes=("a", "b"), quant=QuantOptions(skip_quant_node=("x", "y")))
    assert one.canonical() == other.canonical()


def test_verification_does_not_change_the_signature() -> None:
    assert ConvertOptions(verify_each=True).canonical() == ConvertOptions().canonical()


@pytest.mark.parametrize(
    "change",
    [
        {"train": True},
        {"quant": QuantOptions()},
        {"skip_passes": ("p",)},
        {"fp16": True},
        {"input_shapes": (("x", (2, 3)),)},
        {"input_layout": "NCHW"},
        {"output_layout": "NHWC"},
        {"input_type": "INT64"},
        {"output_type": "FLOAT16"},
        {"infer": True},
        {"decrypt_mode": "AES-CBC"},
        {"encrypt": True},
    ],
)
def test_what_changes_the_output_changes_the_signature(change: dict[str, object]) -> None:
    assert replace(ConvertOptions(), **change).canonical() != ConvertOptions().canonical()  # type: ignore[arg-type]


def test_an_unknown_canonical_key_is_refused() -> None:
    with pytest.raises(TypeError, match="fp8"):
        ConvertOptions.from_canonical({"fp8": True})


def test_the_flag_table_is_sound() -> None:
    names = [flag.name for flag in FLAGS]
    assert len(set(names)) == len(names)
    for flag in FLAGS:
        assert flag.help.endswith(".")
        assert "error" not in (flag.help + flag.status).lower()
        assert not flag.values or flag.default in {"", *flag.values}
        assert set(flag.accepted) <= set(flag.values)
        assert flag.accepts(flag.default)
        assert flag.status == SUPPORTED or flag.is_official


def test_reading_a_config_imports_nothing_heavy() -> None:
    code = (
        "import sys, converter.config, converter.flags\n"
        "heavy = {'numpy', 'google.protobuf', 'flatbuffers', 'argparse'} & set(sys.modules)\n"
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
