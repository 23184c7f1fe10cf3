"""Image files as calibration data: colors, normalization, size and crop as the official converter's OpenCV has them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.graphs import constant, lite, model, value

from converter.errors import ConversionError
from converter.ir import Attr, DType, Layout, TensorType, Value
from converter.options import CalibrationOptions, QuantOptions
from converter.quantize.apply import quantize
from converter.quantize.images import read_image, resize
from converter.quantize.judge import bounds
from converter.quantize.samples import Sample

Array = np.ndarray[Any, np.dtype[Any]]


def picture(height: int = 5, width: int = 7) -> Array:
    return np.random.default_rng(2).integers(0, 256, (height, width, 3), np.uint8)


def encoded(pixels: Array) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def read(pixels: Array, **options: Any) -> Array:  # noqa: ANN401 - passed on
    return read_image(encoded(pixels), Path("a.png"), CalibrationOptions((), 1, "IMAGE", **options))


def test_colors() -> None:
    pixels = picture()
    np.testing.assert_array_equal(read(pixels, image_format="RGB"), pixels)
    np.testing.assert_array_equal(read(pixels), pixels[..., ::-1])
    gray = read(pixels, image_format="GRAY")
    assert gray.shape == (5, 7, 1)
    np.testing.assert_array_equal(gray, np.rint(gray))
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(gray[..., 0], pixels @ weights, atol=0.51)


def test_normalization_is_per_channel() -> None:
    pixels = picture()
    found = read(pixels, image_format="RGB", mean=(1.0, 20.0, 130.0), std=(2.0, 0.5, 57.0))
    np.testing.assert_allclose(found, (pixels - np.array([1, 20, 130])) / np.array([2, 0.5, 57]), rtol=1e-6)
    assert found.dtype == np.float32


def test_nearest_takes_the_pixel_to_the_left() -> None:
    row = np.arange(5, dtype=np.float32).reshape(1, 5, 1)
    np.testing.assert_array_equal(resize(row, 1, 3, "NEAREST").reshape(-1), [0, 1, 3])
    np.testing.assert_array_equal(resize(row, 1, 10, "NEAREST").reshape(-1), np.repeat(np.arange(5), 2))


def test_linear_lies_between_centers_and_takes_no_average() -> None:
    row = np.array([0, 10, 20, 90], np.float32).reshape(1, 4, 1)
    np.testing.assert_allclose(resize(row, 1, 2, "LINEAR").reshape(-1), [5, 55])
    np.testing.assert_allclose(resize(row, 1, 8, "LINEAR").reshape(-1), [0, 2.5, 7.5, 12.5, 17.5, 37.5, 72.5, 90])


def test_cubic_keeps_straight_lines_and_overshoots_edges() -> None:
    line = np.arange(11, dtype=np.float32).reshape(11, 1, 1)
    middle = resize(line, 22, 1, "CUBIC").reshape(-1)[6:-6]
    np.testing.assert_allclose(np.diff(middle), 0.5, atol=0.15)
    edge = np.repeat([0.0, 100.0], 5).astype(np.float32).reshape(1, 10, 1)
    assert resize(edge, 1, 20, "CUBIC").max() > 100


@pytest.mark.parametrize("method", ["NEAREST", "LINEAR", "CUBIC"])
def test_the_same_size_changes_nothing(method: str) -> None:
    pixels = picture().astype(np.float32)
    np.testing.assert_allclose(resize(pixels, 5, 7, method), pixels, atol=1e-4)


def test_the_crop_comes_from_the_middle_of_the_resized_image() -> None:
    pixels = picture()
    np.testing.assert_array_equal(read(pixels, image_format="RGB", crop=(3, 2)), pixels[1:3, 2:5])
    small = read(pixels, image_format="RGB", resize=(13, 11), resize_method="NEAREST", crop=(3, 5))
    assert small.shape == (5, 3, 3)


def problem_of(call: Any) -> tuple[str, str]:  # noqa: ANN401 - any function
    with pytest.raises(ConversionError) as caught:
        call()
    (problem,) = caught.value.problems
    return problem.code, problem.message


def test_a_crop_larger_than_the_image_is_named() -> None:
    assert problem_of(lambda: read(picture(), crop=(9, 2))) == ("E401", "is 7 x 5 before the crop to 9 x 2")


def test_what_is_no_image_is_named() -> None:
    code, message = problem_of(lambda: read_image(b"no image", Path("a.png"), CalibrationOptions((), 1, "IMAGE")))
    assert code == "E401"
    assert message.startswith("is no image that can be read: ")


def test_without_pillow_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    options = CalibrationOptions((), 1, "IMAGE")
    assert problem_of(lambda: read_image(b"", Path("a.png"), options)) == (
        "E902",
        "input_type=IMAGE needs the package Pillow",
    )


def test_an_image_of_another_shape_than_the_input_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture()))
    image = Value("x", TensorType(DType.FLOAT32, (1, 5, 5, 3)))
    sample = Sample((image,), (tmp_path / "a.png",), CalibrationOptions((), 1, "IMAGE"))
    assert problem_of(sample.arrays) == (
        "E401",
        "becomes an image of [1, 5, 7, 3], the model input 'x' wants float32[1,5,5,3]",
    )


def test_a_network_is_calibrated_with_images(tmp_path: Path) -> None:
    images, kernel = value("x", 1, 11, 13, 3, layout=Layout.NHWC), constant("w", 5, 3, 3, 3, layout=Layout.KHWC)
    made = value("y", 1, 9, 11, 5, layout=Layout.NHWC)
    attrs: dict[str, Attr] = {"kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1), "pad_list": (0, 0, 0, 0)}
    attrs |= {"pad_mode": 2, "group": 1, "in_channel": 3, "out_channel": 5}
    network = model([lite("Conv2DFusion", [images, kernel], [made], **attrs)], [images], [made])
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encoded(picture(17, 19)))
    data = CalibrationOptions((("x", str(tmp_path), ""),), 2, "IMAGE", "RGB", resize=(13, 11))
    report = quantize(network, QuantOptions(quant_type="FULL_QUANT", calibration=data))
    assert [(name, cosine > 0.999) for name, cosine in report.cosines] == [("Conv2DFusion", True)]
    low, high = bounds(images.quant[0])
    assert low == pytest.approx(0, abs=1)
    assert high > 200
