"""The command line of `converter_lite`: argv to typed flags by the official parsing rules, and the usage text.

Every flag is a row of `converter.options.FLAGS`. Official flags that are not supported are accepted at their default
and refused by name otherwise.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from converter.config import Config, convert_options
from converter.config.hints import closest, did_you_mean, one_of, shown
from converter.errors import ConversionError, Problem, Problems, fail
from converter.options import FLAGS, SUPPORTED, Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.options import ConvertOptions

_BY_NAME: dict[str, Flag] = {flag.name: flag for flag in FLAGS}
_MODEL_SUFFIX = ".ms"
_TEXT_COLUMN = 28
_WIDTH = 100


@dataclass(frozen=True)
class Flags:
    """What a command line says. With `show_help` or `show_version` the two model paths may be empty."""

    model_file: Path
    output_file: Path
    train: bool = False
    config_file: Path | None = None
    disable_fusion: bool = False
    skip_passes: tuple[str, ...] = ()
    dump_ir: Path | None = None
    verify_each: bool = False
    report: Path | None = None
    show_traceback: bool = False
    show_help: bool = False
    show_version: bool = False

    def options(self, config: Config | None) -> ConvertOptions:
        """Join with the config file's settings; ConversionError with everything that is refused there."""
        return convert_options(
            config,
            train=self.train,
            disable_fusion=self.disable_fusion,
            skip_passes=self.skip_passes,
            verify_each=self.verify_each,
        )


def parse_flags(argv: Sequence[str]) -> Flags:
    """Parse the arguments that follow the program's name; no file is touched.

    Raises:
        ConversionError: E101 to E105, all problems at once.
    """
    reader = _Reader()
    reader.read([item.strip() for item in argv])
    values = {flag.name: reader.values.get(flag.name, flag.default) for flag in FLAGS}
    stops = "true" in {values["help"], values["version"]}
    if not stops:
        reader.require(values)
    output_file = _checked_output(values["outputFile"], reader.problems)
    reader.problems.raise_if_any()
    return Flags(
        model_file=Path(values["modelFile"]),
        output_file=output_file,
        train=values["trainModel"] == "true",
        config_file=_path(values["configFile"]),
        # As in the official converter, --NoFusion wins over --optimize.
        disable_fusion=values["NoFusion"] == "true" or (not values["NoFusion"] and values["optimize"] == "none"),
        skip_passes=tuple(name.strip() for name in values["skip-pass"].split(",") if name.strip()),
        dump_ir=_path(values["dump-ir"]),
        verify_each=values["verify"] == "each",
        report=_path(values["report"]),
        show_traceback=values["traceback"] == "true",
        show_help=values["help"] == "true",
        show_version=values["version"] == "true",
    )


def output_path(text: str) -> Path:
    """Return the path of the output model: one trailing `.ms` stays, otherwise it is added.

    Raises:
        ConversionError: E103 where no file is named.
    """
    if not text or text.endswith(("/", "\\")):
        raise fail("E103", f"--outputFile: '{shown(text)}' names no file", hint="end it with the name of the model")
    return Path(text if text.endswith(_MODEL_SUFFIX) else text + _MODEL_SUFFIX)


def _checked_output(text: str, problems: Problems) -> Path:
    """Return the output path; what is wrong with it goes to `problems`, a missing one has been reported already."""
    if not text:
        return Path()
    try:
        return output_path(text)
    except ConversionError as wrong:
        problems.found.extend(wrong.problems)
        return Path()


def _path(text: str) -> Path | None:
    return Path(text) if text else None


@dataclass
class _Reader:
    """Collects the value of every flag, and the problems of all items."""

    values: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    reported: set[str] = field(default_factory=set)

    def problem(self, code: str, message: str, hint: str | None = None) -> None:
        self.problems.add(Problem(code, message, hint=hint))

    def read(self, items: list[str]) -> None:
        """Read items up to a bare `--`."""
        pending: Flag | None = None  # a flag without '=', whose value may be the next item
        for item in items:
            if item == "--":
                break
            if pending is not None and not item.startswith("--"):
                self.problem("E103", f"--{pending.name} has no value", f"write '--{pending.name}={shown(item)}'")
                self._value(pending, item)
                pending = None
                continue
            if pending is not None:
                self._no_value(pending)
            pending = None
            if item.startswith("--"):
                pending = self._flag(item)
            else:
                self._no_flag(item)
        if pending is not None:
            self._no_value(pending)

    def _no_flag(self, item: str) -> None:
        name = item.lstrip("-").partition("=")[0]
        meant = closest(name, _BY_NAME)
        hint = "a flag looks like --name=value" if meant is None else self._guess(meant)
        self.problem("E101", f"'{shown(item)}' is not a flag", hint)

    def _guess(self, meant: str) -> str:
        """Return the hint for a misspelled flag; it is not missing, too."""
        self.reported.add(meant)
        return f"did you mean '--{meant}'?"

    def _flag(self, item: str) -> Flag | None:
        """Read `--name`, `--name=value` or `--no-name`; return the flag when its value is still to come."""
        name, equals, value = item[2:].partition("=")
        is_negated = name.startswith("no-")
        flag = _BY_NAME.get(name.removeprefix("no-"))
        if flag is None:
            meant = closest(name, _BY_NAME)
            hint = None if meant is None else self._guess(meant)
            self.problem("E101", f"unknown flag '--{shown(name)}'", hint)
        elif flag.kind == "switch":
            self._switch(flag, value, is_negated=is_negated)
        elif is_negated:
            self.problem("E101", f"'--{name}': --{flag.name} takes a value", _negation_hint(flag))
        elif equals:
            self._value(flag, value)
        else:
            return flag
        return None

    def _no_value(self, flag: Flag) -> None:
        self.reported.add(flag.name)
        self.problem("E103", f"--{flag.name} has no value", f"write '--{flag.name}={_placeholder(flag)}'")

    def _switch(self, flag: Flag, value: str, *, is_negated: bool) -> None:
        if is_negated and value:
            self.problem("E103", f"'--no-{flag.name}' takes no value")
        elif value not in {"", "true", "false"}:
            self.problem("E103", f"--{flag.name}: '{shown(value)}' is not 'true' or 'false'")
        self._keep(flag, "false" if is_negated else value or "true")

    def _value(self, flag: Flag, value: str) -> None:
        self._keep(flag, value)
        # The official converter takes a chip's name after this one value.
        spelling = "ascend_oriented" if value.startswith("ascend_oriented:") else value
        if flag.values and spelling != flag.default and spelling not in flag.values:
            hint = did_you_mean(value, flag.values)
            self.problem("E103", f"--{flag.name}: '{shown(value)}' is not {one_of(flag.values)}", hint)
        elif not flag.accepts(value) and not (flag.is_required and not value):
            message = f"--{flag.name}={shown(value)} is not supported: {flag.status}"
            self.problem("E105", message, _way_out(flag))

    def _keep(self, flag: Flag, value: str) -> None:
        if flag.name in self.values:
            self.problem("E102", f"--{flag.name} is given twice", "the official converter takes each flag once")
        self.values.setdefault(flag.name, value)

    def require(self, values: dict[str, str]) -> None:
        """Report the required flags that are missing or empty, unless that has been said already."""
        for flag in FLAGS:
            if flag.is_required and not values[flag.name] and flag.name not in self.reported:
                self.problem("E104", f"--{flag.name} is missing", f"add '--{flag.name}={_placeholder(flag)}'")


def _negation_hint(flag: Flag) -> str | None:
    off = {"true": "false", "on": "off"}.get(flag.values[0]) if flag.values else None
    return None if off is None else f"write '--{flag.name}={off}'"


def _way_out(flag: Flag) -> str:
    """Say which values convert."""
    honored = [value for value in dict.fromkeys((*flag.accepted, flag.default)) if value]
    if not honored:
        return f"leave out '--{flag.name}'"
    leave = "" if flag.is_required else ", or leave it out"
    return "use " + one_of(f"--{flag.name}={value}" for value in honored) + leave


def _placeholder(flag: Flag) -> str:
    names = {"file": "FILE", "directory": "DIR", "names": "NAME[,NAME]", "text": "TEXT"}
    honored = flag.values if flag.status == SUPPORTED else flag.accepted or (flag.default,)
    return names.get(flag.kind) or "|".join(value for value in honored if value)


def usage() -> str:
    """Return the text of --help, which also follows problems of the command line."""
    supported = [flag for flag in FLAGS if flag.status == SUPPORTED or flag.accepted]
    refused = [flag for flag in FLAGS if flag not in supported]
    lines = ["usage: converter_lite --fmk=MINDIR --modelFile=FILE --outputFile=FILE [--flag=value ...]", ""]
    for flag in supported:
        lines += _usage_lines(flag, flag.help + _default_text(flag))
    lines += ["", "Flags of the official converter that are accepted at their default only:", ""]
    for flag in refused:
        lines += _usage_lines(flag, flag.help + f" Here: {flag.status}.")
    return "\n".join(lines) + "\n"


def _default_text(flag: Flag) -> str:
    if flag.is_required:
        return " Required."
    return f" Default: {flag.default}." if flag.default and flag.kind != "switch" else ""


def _usage_lines(flag: Flag, text: str) -> list[str]:
    head = f"  --{flag.name}" + ("" if flag.kind == "switch" else f"={_placeholder(flag) or 'VALUE'}")
    wrapped = textwrap.wrap(text, _WIDTH - _TEXT_COLUMN)
    if len(head) < _TEXT_COLUMN:
        wrapped[0] = head.ljust(_TEXT_COLUMN) + wrapped[0]
    else:
        wrapped.insert(0, head)
    indent = " " * _TEXT_COLUMN
    return [wrapped[0], *(indent + line for line in wrapped[1:])]
