"""What a conversion can be asked to do: frozen options, and their canonical form for build signatures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHT_QUANT = "WEIGHT_QUANT"
FULL_QUANT = "FULL_QUANT"
DYNAMIC_QUANT = "DYNAMIC_QUANT"


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
    `init_scale`, `auto_tune` and `max_iterations` are of mixed bits (bit_num 0), `activation_method` and `calibration`
    of FULL_QUANT, `dynamic_strategy` of DYNAMIC_QUANT. `workspace` keeps
    statistics between conversions, `debug_path` gets files about tensors and scales.
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
    dynamic_strategy: str = "ALWC"
    init_scale: float = 0.02
    auto_tune: bool = False
    max_iterations: int = 40
    calibration: CalibrationOptions | None = None
    workspace: str = ""
    debug_path: str = ""

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


InputShapes: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class ConvertOptions:
    """One conversion's options, but for its keys. `verify_each` (check the IR after every pass) changes no output.

    `input_shapes` are (input, dimensions in the MindIR's axes). Layouts are of images, `NHWC` or `NCHW`; types are
    spelled as on the command line. `encrypt` says that a key encrypts the output.
    """

    train: bool = False
    quant: QuantOptions | None = None
    disable_fusion: bool = False
    fusion_blacklists: tuple[str, ...] = ()
    skip_passes: tuple[str, ...] = ()
    verify_each: bool = False
    fp16: bool = False
    input_shapes: InputShapes = ()
    input_layout: str = "NHWC"
    output_layout: str = "NCHW"
    input_type: str = "DEFAULT"
    output_type: str = "DEFAULT"
    infer: bool = False
    decrypt_mode: str = "AES-GCM"
    encrypt: bool = False

    def canonical(self) -> dict[str, Any]:
        """Return, JSON-able and sorted, only what changes or checks the output: the text of a build signature."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "verify_each"}
        changed = {
            "fusion_blacklists": _name_set(self.fusion_blacklists),
            "input_shapes": [[name, list(dims)] for name, dims in sorted(self.input_shapes)],
            "quant": None if self.quant is None else self.quant.canonical(),
            "skip_passes": _name_set(self.skip_passes),
        }
        return dict(sorted((plain | changed).items()))

    @classmethod
    def from_canonical(cls, values: Mapping[str, Any]) -> ConvertOptions:
        """Rebuild the options from `canonical()`; TypeError for a key that is not an option."""
        quant = values.get("quant")
        rebuilt: dict[str, Any] = {
            **values,
            "quant": None if quant is None else QuantOptions.from_canonical(quant),
            "fusion_blacklists": tuple(values.get("fusion_blacklists", ())),
            "input_shapes": tuple((name, tuple(dims)) for name, dims in values.get("input_shapes", ())),
            "skip_passes": tuple(values.get("skip_passes", ())),
        }
        return cls(**rebuilt)


def _name_set(names: tuple[str, ...]) -> list[str]:
    """Neither order nor repetition of names changes what they select."""
    return sorted(set(names))
