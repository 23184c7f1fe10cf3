from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from converter.config import load_config, parse_config
from converter.config.sections import SECTION_BY_NAME, SECTIONS
from converter.errors import ConversionError

if TYPE_CHECKING:
    from converter.config.keys import Key

PATH = Path("q.cfg")
NAMES = st.lists(st.sampled_from(["conv1-op3", "fc1", "a/b", "ß"]), min_size=1, max_size=5).map(",".join)
PADDING = st.sampled_from(["", " ", "   "])
NOISE = st.lists(st.sampled_from(["", "# note", "#[x]=", "   ", "\r"]), max_size=3)


def spellings(key: Key) -> st.SearchStrategy[str]:
    """Spellings of one value of a key, correct ones only."""
    if key.kind == "int":
        return st.integers(int(key.low), min(int(key.high), 99999)).map(str)
    if key.kind == "float":
        return st.floats(0.001, 0.999).map(repr)
    if key.kind == "bool":
        return st.sampled_from(["true", "false"])
    if key.kind == "choice":
        return st.sampled_from(key.values)
    special = {"floats": st.just("[0.5,0.25]"), "names": NAMES, "calibration": st.just("in:dir")}
    return special.get(key.kind, st.sampled_from(["x", "some/path"]))


def respell(key: Key, text: str) -> st.SearchStrategy[str]:
    """Other spellings of the same value."""
    if key.kind == "int":
        return st.sampled_from([text, f"+{text}", f"00{text}", f'"{text}"'])
    if key.kind == "float":
        return st.sampled_from([text, f"{text}0" if "e" not in text else text, f"+{text}"])
    if key.kind == "bool":
        return st.sampled_from([text, text.upper(), text.title()])
    if key.kind == "names":
        return st.permutations(text.split(",")).map(", ".join)
    return st.just(text)


@st.composite
def settings(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """Correct settings: section, key, text."""
    chosen = draw(st.lists(st.sampled_from(SECTIONS), max_size=5, unique_by=lambda section: section.name))
    values: dict[str, dict[str, str]] = {}
    for section in chosen:
        keys = draw(st.lists(st.sampled_from(section.keys), max_size=5, unique=True)) if section.keys else []
        values[section.name] = {key.name: draw(spellings(key)) for key in keys}
    quantized = {"quant_type": "WEIGHT_QUANT", "bit_num": "8", "enable_encode": "true"}
    return {**values, "common_quant_param": {**values.get("common_quant_param", {}), **quantized}}


def written(values: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key}={text}\n" for key, text in keys.items()) for name, keys in values.items()
    )


@st.composite
def rewritten(draw: st.DrawFn, values: dict[str, dict[str, str]]) -> str:
    """Return the same settings with other comments, blanks, order and spellings, some defaults written out."""
    lines: list[str] = []
    for name in draw(st.permutations(list(values))):
        keys = dict(values[name])
        for key in SECTION_BY_NAME[name].keys:
            if key.name not in keys and isinstance(key.default, str | bool | int | float) and draw(st.booleans()):
                keys[key.name] = str(key.default)
        lines += [*draw(NOISE), f"{draw(PADDING)}[{draw(PADDING)}{name}{draw(PADDING)}]{draw(PADDING)}"]
        for key_name in draw(st.permutations(list(keys))):
            row = SECTION_BY_NAME[name].key(key_name)
            assert row is not None
            text = draw(respell(row, keys[key_name]))
            lines += [*draw(NOISE), f"{draw(PADDING)}{key_name}{draw(PADDING)}={draw(PADDING)}{text}{draw(PADDING)}"]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@given(st.data())
def test_canonical_text_is_blind_to_everything_but_values(data: st.DataObject) -> None:
    values = data.draw(settings())
    before = parse_config(written(values), PATH)
    after = parse_config(data.draw(rewritten(values)), Path("elsewhere/other.cfg"))
    assert after.canonical() == before.canonical()
    assert json.dumps(json.loads(before.canonical()), sort_keys=True) == before.canonical()


@given(settings())
def test_every_correct_config_parses_to_what_was_written(values: dict[str, dict[str, str]]) -> None:
    config = parse_config(written(values), PATH)
    for name, keys in values.items():
        for key, text in keys.items():
            assert config.values[name, key].text == text
    assert all("error" not in warning for warning in config.warnings)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_canonical_text_tells_values_apart(one: int, other: int) -> None:
    base = "[common_quant_param]\nquant_type=WEIGHT_QUANT\nmin_quant_weight_size="
    same = parse_config(f"{base}{one}", PATH).canonical() == parse_config(f"{base}{other}", PATH).canonical()
    assert same == (one == other)


LINES = st.lists(
    st.sampled_from(["[common_quant_param]", "quant_type", "=", "bit_num=8", "WEIGHT_QUANT", "[", "]", "#", " ", "\t"])
    | st.text(max_size=5),
    max_size=8,
).map("".join)


@given(st.lists(LINES, max_size=8).map("\n".join) | st.text())
def test_random_text_raises_nothing_but_conversion_errors(text: str) -> None:
    message = ""
    try:
        parse_config(text, PATH).canonical()
    except ConversionError as wrong:
        message = str(wrong)
    assert message.replace("\n", "").isprintable()


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_conversion_errors(data: bytes) -> None:
    message = ""
    with TemporaryDirectory() as folder:
        path = Path(folder, "q.cfg")
        path.write_bytes(data)
        try:
            load_config(path).quant()
        except ConversionError as wrong:
            message = str(wrong)
    assert message.replace("\n", "").isprintable()
