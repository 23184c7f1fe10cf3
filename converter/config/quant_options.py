"""The quantization that a config file asks for: settings of several sections as one `QuantOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.config.keys import COMMON, DYNAMIC, FULL, MIXED, PREPROCESS, WEIGHT
from converter.options import DYNAMIC_QUANT, FULL_QUANT, CalibrationOptions, QuantOptions

if TYPE_CHECKING:
    from converter.config.settings import Config


def quant_options(config: Config) -> QuantOptions:
    """Join the sections that the quantization reads; nothing of them may be refused."""
    quant_type = config.typed(str, COMMON, "quant_type")
    is_full = quant_type == FULL_QUANT
    details = FULL if is_full else WEIGHT
    return QuantOptions(
        quant_type=quant_type,
        bit_num=config.typed(int, COMMON, "bit_num"),
        min_quant_weight_size=config.typed(int, COMMON, "min_quant_weight_size"),
        min_quant_weight_channel=config.typed(int, COMMON, "min_quant_weight_channel"),
        skip_quant_node=tuple(str(name) for name in config.typed(tuple, COMMON, "skip_quant_node")),
        per_channel=config.typed(bool, details, "per_channel"),
        bias_correction=config.typed(bool, details, "bias_correction"),
        enable_encode=config.typed(bool, COMMON, "enable_encode"),
        activation_method=config.typed(str, FULL, "activation_quant_method") if is_full else "MAX_MIN",
        dynamic_strategy=config.typed(str, DYNAMIC, "quant_strategy") if quant_type == DYNAMIC_QUANT else "ALWC",
        **_mixed(config),
        calibration=_calibration(config) if is_full else None,
        debug_path=str(config.value(COMMON, "debug_info_save_path") or ""),
        workspace=str(config.value(COMMON, "workspace") or ""),
    )


def _mixed(config: Config) -> dict[str, Any]:
    """Details of mixed bits, which nothing else reads."""
    if config.value(COMMON, "bit_num") != 0:
        return {}
    return {key: config.value(MIXED, key) for key in ("init_scale", "auto_tune", "max_iterations")}


def _calibration(config: Config) -> CalibrationOptions:
    """The calibration data; paths stay as relative as that of the file that names them."""
    pairs = config.typed(tuple, PREPROCESS, "calibrate_path")
    folder = config.values[PREPROCESS, "calibrate_path"].file.parent
    return CalibrationOptions(
        directories=tuple((str(pair[0]), str(folder / str(pair[1])), str(pair[1])) for pair in pairs),
        size=config.typed(int, PREPROCESS, "calibrate_size"),
        input_type=config.typed(str, PREPROCESS, "input_type"),
        image_format=str(config.value(PREPROCESS, "image_to_format") or "BGR"),
        mean=_numbers(config, "normalize_mean"),
        std=_numbers(config, "normalize_std"),
        resize=_pixels(config, "resize_width", "resize_height"),
        resize_method=str(config.value(PREPROCESS, "resize_method") or "LINEAR"),
        crop=_pixels(config, "center_crop_width", "center_crop_height"),
    )


def _numbers(config: Config, key: str) -> tuple[float, ...]:
    value = config.value(PREPROCESS, key)
    return tuple(float(number) for number in value if isinstance(number, float)) if isinstance(value, tuple) else ()


def _pixels(config: Config, width: str, height: str) -> tuple[int, ...]:
    sizes = (config.value(PREPROCESS, width), config.value(PREPROCESS, height))
    return tuple(size for size in sizes if isinstance(size, int))
