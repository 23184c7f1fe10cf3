"""Image files as calibration data: decoding by Pillow, then color, normalization, size and crop, in that order.

The steps and their order are the official converter's, which uses OpenCV: colors are BGR unless told otherwise, GRAY
is rounded to whole levels, normalization comes before resizing, resizing takes no average where it shrinks.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.errors import fail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from converter.options import CalibrationOptions

    Array = np.ndarray[Any, np.dtype[Any]]

# OpenCV's weights of red, green and blue in gray, in units of 2**-14.
_GRAY = np.array([4899, 9617, 1868])
_GRAY_BITS = 14
_CUBIC = -0.75  # OpenCV's parameter of the cubic kernel


def read_image(data: bytes, file: Path, options: CalibrationOptions) -> Array:
    """The float32 image [height, width, channels]. Raises `ConversionError` E401 for what is no image, E902."""
    pixels = _colors(_decode(data, file), options.image_format).astype(np.float32)
    if options.mean:
        pixels = _normalized(pixels, options.mean, options.std)
    if options.resize:
        width, height = options.resize
        pixels = resize(pixels, height, width, options.resize_method)
    if options.crop:
        pixels = _center(pixels, options.crop, file)
    return pixels


def _decode(data: bytes, file: Path) -> Array:
    """Red, green and blue in 8 bits, turned as the camera says."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - an optional package
    except ImportError as missing:
        hint = "pip install 'mslite-scons[quantize]', or use input_type=BIN"
        raise fail("E902", "input_type=IMAGE needs the package Pillow", path=str(file), hint=hint) from missing
    try:
        with Image.open(BytesIO(data)) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as problem:
        raise fail("E401", f"is no image that can be read: {problem}", path=str(file)) from problem


def _colors(rgb: Array, image_format: str) -> Array:
    if image_format == "RGB":
        return rgb
    if image_format == "BGR":
        return rgb[..., ::-1]
    weighted = rgb.astype(np.int64) @ _GRAY + (1 << (_GRAY_BITS - 1))
    gray: Array = (weighted >> _GRAY_BITS)[..., None]
    return gray


def _normalized(pixels: Array, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    scaled: Array = ((pixels.astype(np.float64) - mean) / std).astype(np.float32)
    return scaled


def _center(pixels: Array, crop: tuple[int, ...], file: Path) -> Array:
    """The middle of the image; an odd margin is larger on the right and below."""
    width, height = crop
    have_height, have_width, _ = pixels.shape
    if width > have_width or height > have_height:
        message = f"is {have_width} x {have_height} before the crop to {width} x {height}"
        raise fail("E401", message, path=str(file), hint="resize to at least the size of the crop")
    top, left = (have_height - height) // 2, (have_width - width) // 2
    return pixels[top : top + height, left : left + width]


def resize(pixels: Array, height: int, width: int, method: str) -> Array:
    """Scale an image [h, w, c] by NEAREST, LINEAR or CUBIC interpolation between pixel centers."""
    weights = _WEIGHTS[method]
    rows, columns = weights(pixels.shape[0], height), weights(pixels.shape[1], width)
    scaled: Array = np.einsum("yh,hwc,xw->yxc", rows, pixels.astype(np.float64), columns, optimize=True)
    return scaled.astype(np.float32)


def _nearest(size: int, wanted: int) -> Array:
    places = np.minimum((np.arange(wanted) * (size / wanted)).astype(np.int64), size - 1)
    return _matrix(places[:, None], np.ones((wanted, 1)), size)


def _linear(size: int, wanted: int) -> Array:
    place, part = _places(size, wanted)
    return _matrix(place[:, None] + [0, 1], np.stack([1 - part, part], axis=1), size)


def _cubic(size: int, wanted: int) -> Array:
    place, part = _places(size, wanted)
    distances = np.abs(part[:, None] - [-1, 0, 1, 2])
    near = ((_CUBIC + 2) * distances - (_CUBIC + 3)) * distances**2 + 1
    far = _CUBIC * (((distances - 5) * distances + 8) * distances - 4)
    return _matrix(place[:, None] + [-1, 0, 1, 2], np.where(distances <= 1, near, far), size)


def _places(size: int, wanted: int) -> tuple[Array, Array]:
    """The pixel before each wanted center, and how far behind it that center lies."""
    centers = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    place = np.floor(centers).astype(np.int64)
    return place, centers - place


def _matrix(places: Array, weights: Array, size: int) -> Array:
    """Weights of the old pixels in each new one; beyond the border stands the pixel at the border."""
    matrix = np.zeros((len(places), size))
    np.add.at(matrix, (np.arange(len(places))[:, None], np.clip(places, 0, size - 1)), weights)
    return matrix


_WEIGHTS: dict[str, Callable[[int, int], Array]] = {"NEAREST": _nearest, "LINEAR": _linear, "CUBIC": _cubic}
