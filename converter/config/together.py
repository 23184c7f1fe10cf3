"""What several settings of a config file say together: what is missing beside another, and what contradicts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.config.hints import one_of
from converter.config.keys import COMMON, PREPROCESS
from converter.config.settings import located
from converter.options import DYNAMIC_QUANT, FULL_QUANT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from converter.config.settings import Config
    from converter.errors import Problem

_PLAIN_BITS = 8
_UNPACKED_BITS = (8, 16)
_COLORS = 3
_NEEDED = {
    "calibrate_path": "add calibrate_path=INPUT:DIRECTORY, with one directory for each model input",
    "calibrate_size": "add calibrate_size=N, the number of samples",
    "input_type": "add input_type=BIN or input_type=IMAGE",
}
_GROUPS = (
    ("normalize_mean", "normalize_std"),
    ("resize_width", "resize_height", "resize_method"),
    ("center_crop_width", "center_crop_height"),
)
IMAGE_KEYS = ("image_to_format", *(key for group in _GROUPS for key in group))


@dataclass(frozen=True)
class Together:
    """The checks of one config. `mentioned` are keys that stand in it, those with a wrong value included.

    `common` is where [common_quant_param] begins.
    """

    config: Config
    mentioned: AbstractSet[tuple[str, str]]
    common: tuple[Path, int] | None

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong, located."""
        yield from self._common()
        if self.config.value(COMMON, "quant_type") == FULL_QUANT:
            yield from self._missing()
            yield from self._groups()
            yield from self._normalization()

    def warnings(self) -> Iterator[str]:
        """Settings about images that nothing reads, because the calibration data are no images."""
        if (
            self.config.value(COMMON, "quant_type") != FULL_QUANT
            or self.config.value(PREPROCESS, "input_type") != "BIN"
        ):
            return
        for key in IMAGE_KEYS:
            setting = self.config.values.get((PREPROCESS, key))
            if setting is not None:
                yield f"{setting.file}:{setting.line}: '{key}' has no effect: it needs input_type=IMAGE"

    def _common(self) -> Iterator[Problem]:
        values = self.config.values
        if self.common is not None and (COMMON, "quant_type") not in self.mentioned:
            message = f"no quant_type in [{COMMON}]: nothing would be quantized"
            yield located("E112", message, self.common, "add quant_type=WEIGHT_QUANT, or remove the section")
        bits, quant_type = values.get((COMMON, "bit_num")), self.config.value(COMMON, "quant_type")
        if bits is not None and quant_type in {FULL_QUANT, DYNAMIC_QUANT} and bits.value != _PLAIN_BITS:
            message = f"bit_num in [{COMMON}]: {bits.value} does not go with {quant_type}"
            yield located("E112", message, bits.where, "use bit_num=8")
        encode = values.get((COMMON, "enable_encode"))
        if encode is not None and encode.value is False and self.config.value(COMMON, "bit_num") not in _UNPACKED_BITS:
            message = f"enable_encode in [{COMMON}]: 'false' goes with bit_num=8 and bit_num=16 only"
            yield located("E112", message, encode.where, "use enable_encode=true")

    def _missing(self) -> Iterator[Problem]:
        """FULL_QUANT runs the model on samples, so it must be told where they are."""
        where = self.config.values[COMMON, "quant_type"].where
        for key, hint in _NEEDED.items():
            if (PREPROCESS, key) not in self.mentioned:
                yield located("E112", f"no {key} in [{PREPROCESS}]: FULL_QUANT needs calibration data", where, hint)

    def _groups(self) -> Iterator[Problem]:
        """Settings that mean something only together."""
        for group in _GROUPS:
            given = [key for key in group if (PREPROCESS, key) in self.mentioned]
            lacking = [key for key in group if key not in given]
            known = [self.config.values[PREPROCESS, key] for key in given if (PREPROCESS, key) in self.config.values]
            if known and lacking:
                message = f"{known[0].key} in [{PREPROCESS}] has no effect without {' and '.join(lacking)}"
                yield located("E112", message, known[0].where, f"add {' and '.join(lacking)}, or remove {known[0].key}")

    def _normalization(self) -> Iterator[Problem]:
        """As many numbers as the image has channels; a deviation is positive."""
        if self.config.value(PREPROCESS, "input_type") != "IMAGE":
            return
        channels = 1 if self.config.value(PREPROCESS, "image_to_format") == "GRAY" else _COLORS
        for key in _GROUPS[0]:
            setting = self.config.values.get((PREPROCESS, key))
            if setting is None or not isinstance(setting.value, tuple):
                continue
            where, numbers = f"{key} in [{PREPROCESS}]", setting.value
            if len(numbers) != channels:
                message = f"{where}: {len(numbers)} numbers for an image of {channels}"
                message += " channel" if channels == 1 else " channels"
                yield located("E112", message, setting.where, _list(channels))
            elif key == "normalize_std" and any(isinstance(each, float) and each <= 0 for each in numbers):
                yield located("E112", f"{where}: a deviation must be above 0", setting.where, _list(channels))


def _list(channels: int) -> str:
    return "write it like " + one_of(["[" + ",".join(["0.5"] * channels) + "]"])
