"""The sections of a config file about quantization."""

from __future__ import annotations

from converter.config.keys import COMMON, DYNAMIC, FULL, LARGEST_SIZE, MIXED, PREPROCESS, WEIGHT, Key, Need, Section

_COMMON = Section(
    COMMON,
    (
        Key(
            "quant_type",
            "choice",
            values=("WEIGHT_QUANT", "FULL_QUANT", "DYNAMIC_QUANT"),
            about="Required in this section.",
        ),
        Key(
            "bit_num",
            "int",
            8,
            low=0,
            high=16,
            about="Bits per weight; 0 means mixed. FULL_QUANT and DYNAMIC_QUANT: 8 only.",
        ),
        Key("min_quant_weight_size", "int", 0, high=LARGEST_SIZE, about="Weights with no more elements stay float."),
        Key(
            "min_quant_weight_channel",
            "int",
            16,
            high=LARGEST_SIZE,
            about="Convolutions with no more channels stay float.",
        ),
        Key("skip_quant_node", "names", (), about="Names of nodes whose weights stay float."),
        Key(
            "debug_info_save_path",
            "place",
            about="Directory for CSV files about scales, and about activations on the calibration samples.",
        ),
        Key(
            "enable_encode",
            "bool",
            default=True,
            about="Whether compressed layouts may be used. Bits other than 8 and 16 need it.",
        ),
        Key(
            "workspace",
            "place",
            changes_output=False,
            about="Directory that keeps calibration statistics, so that a stopped or repeated conversion goes on.",
        ),
    ),
    "Post-training quantization.",
)

_WEIGHT = Section(
    WEIGHT,
    (
        Key(
            "dequant_strategy",
            "choice",
            values=("ON_THE_FLY",),
            refusal="weights are dequantized when the model is loaded",
            about="When weights are dequantized.",
        ),
        Key(
            "quant_strategy",
            "choice",
            "MAX_MIN",
            values=("MAX_MIN", "GPTQ"),
            refusal="GPTQ needs calibration runs of the model",
            about="How the range of a weight is found.",
        ),
        Key("update_mindir", "bool", default=True, changes_output=False, about="Internal to the official converter."),
        Key(
            "max_segments",
            "int",
            1,
            low=1,
            high=2**31 - 1,
            refusal="a weight is quantized in one segment",
            about="Segments of a weight that are quantized apart.",
        ),
        Key("per_channel", "bool", default=True, about="One scale per output channel where the consumers allow it."),
        Key("bias_correction", "bool", default=True, about="Store the correction of mean and variance per channel."),
    ),
    "Details of WEIGHT_QUANT.",
    needs=Need(COMMON, "quant_type", "WEIGHT_QUANT"),
)

_MIXED_BIT = Section(
    MIXED,
    (
        Key(
            "init_scale",
            "float",
            0.02,
            low=0,
            high=1,
            is_open=True,
            about="Relative change of a layer's output to aim at.",
        ),
        Key("auto_tune", "bool", default=False, about="Whether init_scale is tuned."),
        Key(
            "use_cv_data",
            "bool",
            default=False,
            refusal="tuning compares weights and needs no data",
            about="Whether calibration data guide the tuning.",
        ),
        Key("max_iterations", "int", 40, low=40, high=LARGEST_SIZE, about="Steps of the tuning."),
        Key("workspace", "place", changes_output=False, about="Older place of the key in [common_quant_param]."),
    ),
    "Details of WEIGHT_QUANT with bit_num=0.",
    needs=Need(COMMON, "bit_num", 0),
)

_FULL = Section(
    FULL,
    (
        Key(
            "activation_quant_method",
            "choice",
            "MAX_MIN",
            values=("MAX_MIN", "KL", "REMOVAL_OUTLIER"),
            about="How the range of an activation is found.",
        ),
        Key("bias_correction", "bool", default=True, about="Whether biases make up for the change of the mean."),
        Key("per_channel", "bool", default=True, about="One scale per output channel."),
        Key(
            "target_device",
            "choice",
            "CPU",
            values=("CPU", "KIRIN", "NVGPU", "DSP", "ASCEND"),
            refusal="this converter writes models for the CPU runtime only",
            about="Processor that runs the model.",
        ),
        Key(
            "smooth_alpha",
            "float",
            0.5,
            low=0,
            high=1,
            refusal="ranges are not moved from activations to weights; the official converter does it for Ascend only",
            about="Share of the range that moves from activations to weights.",
        ),
        Key(
            "enable_smooth_shift",
            "bool",
            default=False,
            refusal="activations are not shifted; the official converter does it for Ascend only",
            about="Whether activations are shifted before smoothing.",
        ),
        Key(
            "enable_all_ops",
            "bool",
            default=False,
            refusal="operators without an int8 kernel of the CPU runtime stay float",
            about="Only in newer official converters.",
        ),
    ),
    "Details of FULL_QUANT.",
    needs=Need(COMMON, "quant_type", "FULL_QUANT"),
)


def _pixels(name: str, about: str) -> Key:
    return Key(name, "int", low=1, high=LARGEST_SIZE, about=about)


_PREPROCESS = Section(
    PREPROCESS,
    (
        Key("calibrate_path", "calibration", about="One directory per model input."),
        Key("calibrate_size", "int", low=1, high=LARGEST_SIZE, about="Number of samples."),
        Key("input_type", "choice", values=("IMAGE", "BIN"), about="BIN files hold one input each, raw little-endian."),
        Key("image_to_format", "choice", values=("RGB", "GRAY", "BGR"), about="Color format of the model input."),
        Key("normalize_mean", "floats", about="Subtracted, per channel."),
        Key("normalize_std", "floats", about="Divided by, per channel."),
        _pixels("resize_width", "Width to scale to, in pixels."),
        _pixels("resize_height", "Height to scale to, in pixels."),
        Key("resize_method", "choice", values=("NEAREST", "LINEAR", "CUBIC"), about="Interpolation."),
        _pixels("center_crop_width", "Width to cut out of the middle, in pixels."),
        _pixels("center_crop_height", "Height to cut out of the middle, in pixels."),
    ),
    "Calibration data of FULL_QUANT.",
    needs=Need(COMMON, "quant_type", "FULL_QUANT"),
)

_DYNAMIC = Section(
    DYNAMIC,
    (
        Key(
            "quant_strategy",
            "choice",
            "ALWC",
            values=("ALWC", "ACWL"),
            about="ALWC: activations per layer, weights per channel; ACWL: the reverse.",
        ),
    ),
    "Details of DYNAMIC_QUANT.",
    needs=Need(COMMON, "quant_type", "DYNAMIC_QUANT"),
)

QUANT_SECTIONS: tuple[Section, ...] = (_COMMON, _WEIGHT, _MIXED_BIT, _FULL, _PREPROCESS, _DYNAMIC)
