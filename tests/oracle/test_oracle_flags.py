"""Flags of the official converter, and what its runtime makes of the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ms_file import MsFile, MsTensor, read_ms
from official import convert, describe, predict
from ours import ZOO, convert_ours

from converter.encryption import Decryption, Key, encrypted
from converter.encryption.blocks import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.oracle

ENCRYPTED = Path(__file__).resolve().parents[1] / "encryption" / "data"
DIGITS = bytes(range(65, 81)).hex()
NCHW, NHWC = 0, 1
FLOAT16, FLOAT = 42, 43
LENET = ZOO / "ms200" / "lenet_infer.mindir"
PLAIN = ENCRYPTED / "ms200" / "plain.mindir"


def both(oracle: Path, folder: Path, model: Path, *flags: str) -> tuple[Path, Path]:
    """The model converted by us and officially."""
    ours, official = folder / "ours.ms", folder / "official.ms"
    done = convert_ours(model, ours, is_training=False, more=flags)
    assert done.returncode == 0, done.stderr
    assert convert(oracle, model, official, is_training=False, flags=flags).ending == "status 0"
    return ours, official


def ends(file: MsFile) -> list[tuple[int, tuple[int, ...], int]]:
    """Type, shape and format of inputs and outputs; the format counts for images only."""
    tensors = [file.tensors[index] for index in (*file.inputs, *file.outputs)]
    return [(each.data_type, each.dims, each.format if len(each.dims) == 4 else NCHW) for each in tensors]


def images(seed: int = 5) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(1, 2, 5, 7)).astype(np.float32)


def only(outputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
    (found,) = outputs.values()
    return found


@pytest.mark.parametrize("flag", ["NCHW", "NHWC"])
def test_input_data_format(oracle: Path, tmp_path: Path, flag: str) -> None:
    ours, official = both(oracle, tmp_path, PLAIN, f"--inputDataFormat={flag}")
    assert ends(read_ms(ours)) == ends(read_ms(official))
    assert [slot.shape for slot in describe(oracle, ours)] == [slot.shape for slot in describe(oracle, official)]
    fed = images() if flag == "NCHW" else images().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(only(predict(oracle, ours, {"in0": fed})), only(predict(oracle, official, {"in0": fed})))


def test_output_data_format_gives_the_same_numbers_elsewhere(oracle: Path, tmp_path: Path) -> None:
    """The flag is younger than 2.0.0; its runtime takes the file."""
    ours, official = both(oracle, tmp_path, PLAIN)
    last = tmp_path / "last.ms"
    assert convert_ours(PLAIN, last, is_training=False, more=["--outputDataFormat=NHWC"]).returncode == 0
    (_, (_, shape, layout)) = ends(read_ms(last))
    assert (shape, layout) == ((1, 5, 7, 3), NHWC)
    fed = {"in0": images().transpose(0, 2, 3, 1)}
    expected = only(predict(oracle, official, fed)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(only(predict(oracle, last, fed)), expected, rtol=1e-6)
    assert len(read_ms(last).nodes) < len(read_ms(ours).nodes)


@pytest.mark.parametrize("model", [PLAIN, LENET, ZOO / "ms270" / "lenet_infer.mindir"], ids=["conv", "lenet", "2.7"])
def test_fp16_stores_what_the_official_converter_stores(oracle: Path, tmp_path: Path, model: Path) -> None:
    if "ms270" in model.parts:
        ours = tmp_path / "ours.ms"
        assert convert_ours(model, ours, is_training=False, more=["--fp16=on"]).returncode == 0
        constants = read_ms(ours).constants().values()
    else:
        ours, official = both(oracle, tmp_path, model, "--fp16=on")
        constants = read_ms(ours).constants().values()
        stored = {each.data for each in read_ms(official).constants().values()}
        assert all(each.data in stored for each in constants if each.data_type == FLOAT16)
    assert all(each.data_type == FLOAT16 for each in constants if len(each.data) > 64 and is_float(each))
    plain = tmp_path / "plain.ms"
    assert convert_ours(model, plain, is_training=False).returncode == 0
    (slot,) = describe(oracle, ours)
    fed = {"in0": np.random.default_rng(3).normal(size=slot.shape).astype(np.float32)}
    expected, found = only(predict(oracle, plain, fed)), only(predict(oracle, ours, fed))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def is_float(tensor: MsTensor) -> bool:
    return tensor.data_type in (FLOAT16, FLOAT)


@pytest.mark.parametrize("model", sorted((ZOO / "ms200").glob("*_infer.mindir"))[::7], ids=lambda path: path.stem)
def test_half_constants_run_wherever_they_stand(oracle: Path, tmp_path: Path, model: Path) -> None:
    """As the first operand of a node, as its result, in lookups, recurrent layers and normalizations."""
    plain, half = tmp_path / "plain.ms", tmp_path / "half.ms"
    assert convert_ours(model, plain, is_training=False).returncode == 0
    assert convert_ours(model, half, is_training=False, more=["--fp16=on", "--infer=true"]).returncode == 0
    generator = np.random.default_rng(3)
    fed: dict[str, NDArray[Any]] = {}
    for index, slot in enumerate(describe(oracle, plain)):
        is_whole = slot.dtype.kind in "iub"
        fed[f"in{index}"] = generator.integers(0, 2, slot.shape) if is_whole else generator.normal(size=slot.shape)
    expected, found = predict(oracle, plain, fed), predict(oracle, half, fed)
    assert list(found) == list(expected)
    for name, reference in expected.items():
        assert (found[name].dtype, found[name].shape) == (reference.dtype, reference.shape)
        np.testing.assert_allclose(found[name], reference, rtol=0, atol=5e-3 * np.abs(reference).max(initial=0))


@pytest.mark.parametrize("shape", ["x:3,2,5,7", "nobody:1", "x:2"])
def test_the_official_converter_ignores_input_shapes(oracle: Path, tmp_path: Path, shape: str) -> None:
    done = convert(oracle, PLAIN, tmp_path / "a.ms", is_training=False, flags=[f"--inputShape={shape}"])
    assert done.ending == "status 0"
    assert convert(oracle, PLAIN, tmp_path / "b.ms", is_training=False).ending == "status 0"
    assert (tmp_path / "a.ms").read_bytes() == (tmp_path / "b.ms").read_bytes()
    assert convert_ours(PLAIN, tmp_path / "c.ms", is_training=False, more=[f"--inputShape={shape}"]).returncode == 12


@pytest.mark.parametrize("flag", ["inputDataType", "outputDataType"])
def test_a_half_interface_is_refused_by_both(oracle: Path, tmp_path: Path, flag: str) -> None:
    text = f"--{flag}=FLOAT16"
    assert convert(oracle, PLAIN, tmp_path / "a.ms", is_training=False, flags=[text]).ending == "status -600"
    assert convert_ours(PLAIN, tmp_path / "a.ms", is_training=False, more=[text]).returncode == 249


def test_output_integers_are_refused_by_both(oracle: Path, tmp_path: Path) -> None:
    flags = ["--outputDataType=INT32"]
    assert convert(oracle, PLAIN, tmp_path / "a.ms", is_training=False, flags=flags).ending == "status -600"
    assert convert_ours(PLAIN, tmp_path / "a.ms", is_training=False, more=flags).returncode == 168


def test_the_official_converter_ignores_integer_types_of_float_models(oracle: Path, tmp_path: Path) -> None:
    ours, official = both(oracle, tmp_path, PLAIN, "--inputDataType=INT8", "--outputDataType=UINT8")
    assert ends(read_ms(ours)) == ends(read_ms(official))


@pytest.mark.parametrize("mode", ["AES-GCM-16", "AES-CBC-32"])
def test_decryption(oracle: Path, tmp_path: Path, mode: str) -> None:
    cipher, _, length = mode.rpartition("-")
    key = bytes(range(65, 65 + int(length))).hex()
    flags = (f"--decryptKey={key}", f"--decryptMode={cipher}")
    ours, official = both(oracle, tmp_path, ENCRYPTED / "ms200" / f"{mode}.mindir", *flags)
    plain = tmp_path / "plain"
    plain.mkdir()
    our_plain, official_plain = both(oracle, plain, PLAIN)
    assert ours.read_bytes() == our_plain.read_bytes()
    assert official.read_bytes() == official_plain.read_bytes()


def test_what_we_encrypt_the_official_library_decrypts(oracle: Path, tmp_path: Path) -> None:
    """The runtime of this package has no decryption; its converter has the same, and reads our blocks as a model."""
    key = Key(bytes.fromhex(DIGITS))
    model = tmp_path / "net.mindir"
    # A model of several blocks: unknown fields of protobuf are skipped, so that zeros can fill it up.
    filler = bytes(2 * BLOCK)
    length = b"\x80\x80\x80\x04"
    assert len(filler) == 8 << 20
    unknown = b"\xfa\xff\x01" + length + filler
    model.write_bytes(b"".join(encrypted([PLAIN.read_bytes() + unknown], key)))
    done = convert(oracle, model, tmp_path / "a.ms", is_training=False, flags=[f"--decryptKey={DIGITS}"])
    assert done.ending == "status 0"
    assert convert(oracle, PLAIN, tmp_path / "b.ms", is_training=False).ending == "status 0"
    assert (tmp_path / "a.ms").read_bytes() == (tmp_path / "b.ms").read_bytes()


def test_what_the_official_converter_encrypts_we_decrypt(oracle: Path, tmp_path: Path) -> None:
    flags = ["--encryption=true", f"--encryptKey={DIGITS}"]
    assert convert(oracle, PLAIN, tmp_path / "a.ms", is_training=False, flags=flags).ending == "status 0"
    assert convert(oracle, PLAIN, tmp_path / "b.ms", is_training=False).ending == "status 0"
    plain = Decryption(Key(bytes.fromhex(DIGITS))).plain((tmp_path / "a.ms").read_bytes())
    assert plain.data == (tmp_path / "b.ms").read_bytes()


@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("ms200/AES-GCM-16.mindir", []),
        ("ms200/AES-GCM-16.mindir", [f"--decryptKey={DIGITS[:-2]}00"]),
        ("ms200/AES-GCM-16.mindir", [f"--decryptKey={DIGITS}", "--decryptMode=AES-CBC"]),
        ("ms200/plain.mindir", [f"--decryptKey={DIGITS}"]),
    ],
)
def test_a_key_that_does_not_fit_fails_in_both(oracle: Path, tmp_path: Path, model: str, flags: list[str]) -> None:
    path = ENCRYPTED / model
    assert convert(oracle, path, tmp_path / "a.ms", is_training=False, flags=flags).ending == "status -1"
    assert convert_ours(path, tmp_path / "a.ms", is_training=False, more=flags).returncode == 255
