"""What a conversion can be asked to do: frozen options, and the one table of flags for CLI, SCons and docs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHT_QUANT = "WEIGHT_QUANT"
FULL_QUANT = "FULL_QUANT"
DYNAMIC_QUANT = "DYNAMIC_QUANT"

SUPPORTED = "supported"


@dataclass(frozen=True)
class CalibrationOptions:
    """Calibration data of FULL_QUANT, and how image files become model inputs.

    `directories` are (model input, its directory beside the config file, the directory as written): the second counts
    where it exists, else the third. Sizes are in pixels; an empty tuple or 0 leaves a step out. `resize` and `crop` are
    (width, height).
    """

    directories: tuple[tuple[str, str, str], ...]
    size: int
    input_type: str = "BIN"
    image_format: str = "BGR"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: tuple[int, ...] = ()
    resize_method: str = "LINEAR"
    crop: tuple[int, ...] = ()

    @classmethod
    def from_canonical(cls, values: Mapping[str, Any]) -> CalibrationOptions:
        """Rebuild from JSON, which has lists for tuples."""
        plain: dict[str, Any] = {n: tuple(each) if isinstance(each, list) else each for n, each in values.items()}
        plain["directories"] = tuple((name, beside, written) for name, beside, written in plain["directories"])
        return cls(**plain)


@dataclass(frozen=True)
class QuantOptions:
    """Post-training quantization.

    `min_quant_weight_size` (elements) and `min_quant_weight_channel` (convolution channels) are exclusive lower
    bounds of WEIGHT_QUANT: a weight that does not exceed them stays float. `skip_quant_node` names nodes that stay
    float. `enable_encode` allows the compressed layouts (indexing, sparse) where they are smaller.
    `activation_method` and `calibration` are of FULL_QUANT. `workspace` keeps statistics between conversions.
    """

    quant_type: str = WEIGHT_QUANT
    bit_num: int = 8
    min_quant_weight_size: int = 0
    min_quant_weight_channel: int = 16
    skip_quant_node: tuple[str, ...] = ()
    per_channel: bool = True
    bias_correction: bool = True
    enable_encode: bool = True
    activation_method: str = "MAX_MIN"
    calibration: CalibrationOptions | None = None
    workspace: str = ""

    def canonical(self) -> dict[str, Any]:
        """Return the JSON-able values, keys sorted, names as a sorted set."""
        values = asdict(self) | {"skip_quant_node": _name_set(self.skip_quant_node)}
        return dict(sorted(values.items()))

    @classmethod
    def from_canonical(cls, values: Mapping[str, Any]) -> QuantOptions:
        """Rebuild the options from `canonical()`; TypeError for a key that is not an option."""
        calibration = values.get("calibration")
        rebuilt: dict[str, Any] = {
            **values,
            "skip_quant_node": tuple(values.get("skip_quant_node", ())),
            "calibration": None if calibration is None else CalibrationOptions.from_canonical(calibration),
        }
        return cls(**rebuilt)


@dataclass(frozen=True)
class ConvertOptions:
    """One conversion's options. `verify_each` (check the IR after every pass) cannot change the output."""

    train: bool = False
    quant: QuantOptions | None = None
    disable_fusion: bool = False
    fusion_blacklists: tuple[str, ...] = ()
    skip_passes: tuple[str, ...] = ()
    verify_each: bool = False

    def canonical(self) -> dict[str, Any]:
        """Return, JSON-able and sorted, only what changes the output bytes: the text of a build signature."""
        return {
            "disable_fusion": self.disable_fusion,
            "fusion_blacklists": _name_set(self.fusion_blacklists),
            "quant": None if self.quant is None else self.quant.canonical(),
            "skip_passes": _name_set(self.skip_passes),
            "train": self.train,
        }

    @classmethod
    def from_canonical(cls, values: Mapping[str, Any]) -> ConvertOptions:
        """Rebuild the options from `canonical()`; TypeError for a key that is not an option."""
        quant = values.get("quant")
        rebuilt: dict[str, Any] = {
            **values,
            "quant": None if quant is None else QuantOptions.from_canonical(quant),
            "fusion_blacklists": tuple(values.get("fusion_blacklists", ())),
            "skip_passes": tuple(values.get("skip_passes", ())),
        }
        return cls(**rebuilt)


def _name_set(names: tuple[str, ...]) -> list[str]:
    """Neither order nor repetition of names changes what they select."""
    return sorted(set(names))


FlagKind = Literal["choice", "file", "directory", "names", "text", "switch"]


@dataclass(frozen=True)
class Flag:
    """One command-line flag `--name=value`; a `switch` is `--name` or `--no-name`.

    `values` are the official spellings (empty: free text). `accepted` are those that this converter honors, () for
    all; `status` is `SUPPORTED`, or the reason why the other values are refused.
    """

    name: str
    kind: FlagKind
    default: str
    values: tuple[str, ...]
    help: str
    status: str = SUPPORTED
    accepted: tuple[str, ...] = ()
    is_required: bool = False
    is_official: bool = True

    def accepts(self, value: str) -> bool:
        """Whether this converter honors a value that is spelled correctly."""
        return self.status == SUPPORTED or value == self.default or value in self.accepted


_TRUTHS = ("true", "false")
_FORMATS = ("NHWC", "NCHW")
_INPUT_TYPES = ("FLOAT16", "FLOAT", "INT8", "UINT8", "INT32", "INT64", "DEFAULT")
_OUTPUT_TYPES = ("FLOAT16", "FLOAT", "INT8", "UINT8", "INT32", "INT64", "DEFAULT")
_DEVICES = ("CPU", "GPU", "Ascend", "Ascend310", "Ascend310P")
_OPTIMIZE = ("none", "general", "gpu_oriented", "ascend_oriented")

_OFFICIAL_FLAGS = (
    Flag(
        "fmk",
        "choice",
        "",
        ("MINDIR", "TF", "TFLITE", "CAFFE", "ONNX", "OM", "PYTORCH", "MSLITE"),
        "Framework of the input model.",
        "this converter reads MindSpore MindIR only",
        ("MINDIR",),
        is_required=True,
    ),
    Flag("modelFile", "file", "", (), "Input model, a .mindir file.", is_required=True),
    Flag("outputFile", "file", "", (), "Output model; '.ms' is added where it is missing.", is_required=True),
    Flag("trainModel", "choice", "false", _TRUTHS, "Whether the model is going to be trained on the device."),
    Flag("configFile", "file", "", (), "Configuration file: quantization and fusion settings."),
    Flag(
        "optimize",
        "choice",
        "general",
        _OPTIMIZE,
        "Graph optimization; 'none' switches every fusion off.",
        "this converter optimizes for the CPU runtime only",
        ("none", "general"),
    ),
    Flag("NoFusion", "choice", "", _TRUTHS, "Old spelling of --optimize=none; it wins over --optimize."),
    Flag(
        "fp16",
        "choice",
        "off",
        ("on", "off"),
        "Whether float32 constants are stored as float16.",
        "constants keep the data type of the model",
    ),
    Flag(
        "inputDataType",
        "choice",
        "DEFAULT",
        _INPUT_TYPES,
        "Data type of the model inputs.",
        "inputs keep the data type of the model",
    ),
    Flag(
        "outputDataType",
        "choice",
        "DEFAULT",
        _OUTPUT_TYPES,
        "Data type of the model outputs.",
        "outputs keep the data type of the model",
    ),
    Flag(
        "inputDataFormat",
        "choice",
        "",
        _FORMATS,
        "Layout of four-dimensional model inputs; NHWC when not given.",
        "four-dimensional inputs of a .ms file are NHWC here",
        ("NHWC",),
    ),
    Flag(
        "outputDataFormat",
        "choice",
        "",
        _FORMATS,
        "Layout of four-dimensional model outputs.",
        "outputs keep the layout of the model",
    ),
    Flag(
        "inputShape", "text", "", (), "Fixed input shapes, 'name:1,32,32;name2:5'.", "export the model with its shapes"
    ),
    Flag("infer", "choice", "false", _TRUTHS, "Whether to run the model once afterwards.", "use 'mslite run' instead"),
    Flag(
        "device",
        "choice",
        "",
        _DEVICES,
        "Target device; empty means CPU.",
        "this converter writes models for the CPU runtime only",
        ("CPU",),
    ),
    Flag(
        "saveType",
        "choice",
        "MINDIR_LITE",
        ("MINDIR_LITE", "MINDIR"),
        "Kind of the output file.",
        "this converter writes .ms files only",
    ),
    Flag("weightFile", "file", "", (), "Weights of a CAFFE model.", "only CAFFE models have one"),
    Flag(
        "decryptKey", "text", "", (), "Key of an encrypted MindIR, hexadecimal.", "export the model without encryption"
    ),
    Flag(
        "decryptMode",
        "choice",
        "AES-GCM",
        ("AES-GCM", "AES-CBC"),
        "Cipher of an encrypted MindIR.",
        "export the model without encryption",
    ),
    Flag(
        "encryption",
        "choice",
        "false",
        _TRUTHS,
        "Whether the output is encrypted.",
        "this converter writes plain .ms files only",
    ),
    Flag(
        "encryptKey", "text", "", (), "Key for the output, hexadecimal.", "this converter writes plain .ms files only"
    ),
    Flag(
        "optimizeTransformer",
        "choice",
        "false",
        _TRUTHS,
        "Whether to fuse transformer layers.",
        "the CPU training runtime has no fused transformer layer",
    ),
    Flag("help", "switch", "false", (), "Print this text and stop."),
)

_OWN_FLAGS = (
    Flag("version", "switch", "false", (), "Print the version of this converter and stop.", is_official=False),
    Flag("skip-pass", "names", "", (), "Passes to leave out, separated by commas.", is_official=False),
    Flag("dump-ir", "directory", "", (), "Directory that gets the graph as text after every pass.", is_official=False),
    Flag("verify", "choice", "", ("each",), "'each' checks the graph after every pass.", is_official=False),
    Flag("report", "file", "", (), "File that gets the report of the conversion as JSON.", is_official=False),
    Flag("traceback", "switch", "false", (), "Show where in the converter a failure arose.", is_official=False),
)

FLAGS: tuple[Flag, ...] = _OFFICIAL_FLAGS + _OWN_FLAGS
