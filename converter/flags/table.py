"""The one table of flags, for the command line, its page in docs, and the SCons tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SUPPORTED = "supported"
FlagKind = Literal["choice", "file", "directory", "names", "text", "switch", "key", "shapes"]


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

    @property
    def is_honored(self) -> bool:
        """Whether any value but the default is."""
        return self.status == SUPPORTED or bool(self.accepted)


_TRUTHS = ("true", "false")
_FORMATS = ("NHWC", "NCHW")
_INPUT_TYPES = ("FLOAT16", "FLOAT", "INT8", "UINT8", "INT32", "INT64", "DEFAULT")
_OUTPUT_TYPES = ("FLOAT16", "FLOAT", "INT8", "UINT8", "DEFAULT")
_NO_HALF = "the CPU runtime takes and gives float32 where the file says float16"
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
        "Whether float32 constants are stored as float16: half the size, three digits. Not for training.",
    ),
    Flag(
        "inputShape",
        "shapes",
        "",
        (),
        "Numbers for the unknown dimensions of inputs, in the axes of the MindIR.",
    ),
    Flag(
        "inputDataFormat",
        "choice",
        "",
        _FORMATS,
        "Order of the axes of four-dimensional inputs; NHWC when not given.",
    ),
    Flag(
        "outputDataFormat",
        "choice",
        "",
        _FORMATS,
        "Order of the axes of four-dimensional outputs; that of the MindIR, NCHW, when not given.",
    ),
    Flag(
        "inputDataType",
        "choice",
        "DEFAULT",
        _INPUT_TYPES,
        "Data type of the inputs. INT32 and INT64 change integer inputs, INT8 and UINT8 those of a fully quantized "
        "model; FLOAT is what all others are. Training: FLOAT only.",
        _NO_HALF,
        _INPUT_TYPES[1:],
    ),
    Flag(
        "outputDataType",
        "choice",
        "DEFAULT",
        _OUTPUT_TYPES,
        "Data type of the outputs, likewise.",
        _NO_HALF,
        _OUTPUT_TYPES[1:],
    ),
    Flag(
        "infer",
        "choice",
        "false",
        _TRUTHS,
        "Whether to run the converted model once, on random inputs, before it is written. Not for training.",
    ),
    Flag("decryptKey", "key", "", (), "Key of an encrypted MindIR: enc_key of the export, in hexadecimal."),
    Flag(
        "decryptMode", "choice", "AES-GCM", ("AES-GCM", "AES-CBC"), "Cipher of an encrypted MindIR, as in the export."
    ),
    Flag("encryption", "choice", "", _TRUTHS, "Whether the output is encrypted; it is when --encryptKey is given."),
    Flag("encryptKey", "key", "", (), "Key that the output is encrypted with (AES-GCM), 16 bytes in hexadecimal."),
    Flag(
        "saveType",
        "choice",
        "MINDIR_LITE",
        ("MINDIR_LITE", "MINDIR"),
        "Kind of the output file.",
        "this converter writes .ms files only",
    ),
    Flag(
        "device",
        "choice",
        "",
        _DEVICES,
        "Target device; empty means CPU.",
        "this converter writes models for the CPU runtime only",
        ("CPU",),
    ),
    Flag("weightFile", "file", "", (), "Weights of a CAFFE model.", "only CAFFE models have one"),
    Flag(
        "optimizeTransformer",
        "choice",
        "false",
        _TRUTHS,
        "Whether to fuse transformer layers.",
        "the CPU runtime has no fused transformer layer",
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
