"""The command line as typed flags; every problem of it at once.

Every flag is a row of `converter.flags.table`. Official flags that are not supported are accepted at their default and
refused by name otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from converter.config import Config, convert_options
from converter.config.hints import shown
from converter.encryption.keys import DECRYPT_LENGTHS, ENCRYPT_LENGTHS, Keys, KeySource, key_source, read_keys
from converter.errors import fail
from converter.flags.reader import Reader
from converter.flags.shapes import parse_shapes
from converter.flags.table import FLAGS
from converter.flags.together import conflicts
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MODEL_SUFFIX = ".ms"
_KEY_LENGTHS = {"decryptKey": DECRYPT_LENGTHS, "encryptKey": ENCRYPT_LENGTHS}


@dataclass(frozen=True)
class Flags:
    """What a command line says. With `show_help` or `show_version` the two model paths may be empty.

    `asked` are the options as far as flags can say them; `options` joins them with a config file.
    """

    model_file: Path
    output_file: Path
    asked: ConvertOptions = field(default_factory=ConvertOptions)
    config_file: Path | None = None
    decrypt_key: KeySource | None = None
    encrypt_key: KeySource | None = None
    dump_ir: Path | None = None
    report: Path | None = None
    show_traceback: bool = False
    show_help: bool = False
    show_version: bool = False

    def options(self, config: Config | None) -> ConvertOptions:
        """Join with the config file's settings; ConversionError with everything that is refused there."""
        return convert_options(config, self.asked)

    def keys(self) -> Keys:
        """Read the keys from their places; ConversionError E103 where one is not there."""
        return read_keys({"decrypt": self.decrypt_key, "encrypt": self.encrypt_key})


def parse_flags(argv: Sequence[str]) -> Flags:
    """Parse the arguments that follow the program's name; no file is touched.

    Raises:
        ConversionError: E101 to E105, all problems at once.
    """
    reader = Reader()
    reader.read([item.strip() for item in argv])
    values = {flag.name: reader.values.get(flag.name, flag.default) for flag in FLAGS}
    stops = "true" in {values["help"], values["version"]}
    if not stops:
        reader.require(values)
        reader.problems.found.extend(conflicts(values))
    output_file = Path()
    with reader.problems.collected():
        # A missing one has been reported already.
        output_file = output_path(values["outputFile"]) if values["outputFile"] else output_file
    shapes = parse_shapes(values["inputShape"], reader.problems)
    keys: dict[str, KeySource] = {}
    for name in filter(values.get, _KEY_LENGTHS):
        with reader.problems.collected():
            keys[name] = key_source(name, values[name], _KEY_LENGTHS[name])
    reader.problems.raise_if_any()
    return Flags(
        model_file=Path(values["modelFile"]),
        output_file=output_file,
        asked=_asked(values, shapes),
        config_file=_path(values["configFile"]),
        decrypt_key=keys.get("decryptKey"),
        encrypt_key=keys.get("encryptKey") if values["encryption"] != "false" else None,
        dump_ir=_path(values["dump-ir"]),
        report=_path(values["report"]),
        show_traceback=values["traceback"] == "true",
        show_help=values["help"] == "true",
        show_version=values["version"] == "true",
    )


def _asked(values: Mapping[str, str], shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> ConvertOptions:
    """The options that valid flags ask for."""
    return ConvertOptions(
        train=values["trainModel"] == "true",
        # As in the official converter, --NoFusion wins over --optimize.
        disable_fusion=values["NoFusion"] == "true" or (not values["NoFusion"] and values["optimize"] == "none"),
        skip_passes=tuple(name.strip() for name in values["skip-pass"].split(",") if name.strip()),
        verify_each=values["verify"] == "each",
        fp16=values["fp16"] == "on",
        input_shapes=shapes,
        input_layout=values["inputDataFormat"] or "NHWC",
        output_layout=values["outputDataFormat"] or "NCHW",
        input_type=values["inputDataType"],
        output_type=values["outputDataType"],
        infer=values["infer"] == "true",
        decrypt_mode=values["decryptMode"],
        encrypt=bool(values["encryptKey"]) and values["encryption"] != "false",
    )


def output_path(text: str) -> Path:
    """Return the path of the output model: one trailing `.ms` stays, otherwise it is added.

    Raises:
        ConversionError: E103 where no file is named.
    """
    if not text or text.endswith(("/", "\\")):
        raise fail("E103", f"--outputFile: '{shown(text)}' names no file", hint="end it with the name of the model")
    return Path(text if text.endswith(_MODEL_SUFFIX) else text + _MODEL_SUFFIX)


def _path(text: str) -> Path | None:
    return Path(text) if text else None
