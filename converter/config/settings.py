"""A parsed config file: settings with their lines, what they mean for a conversion, and what is refused by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from converter.config.hints import one_of, shown
from converter.config.keys import COMMON, REGISTRY, Key, Section, Value
from converter.config.quant_options import quant_options
from converter.config.sections import SECTION_BY_NAME
from converter.errors import ConversionError, Problem
from converter.options import ConvertOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from converter.options import QuantOptions

_T = TypeVar("_T", bound=Value)


@dataclass(frozen=True)
class Setting:
    """One value: typed, as written, and where. `section` is the header's name, the same for every repetition."""

    section: str
    key: str
    value: Value
    text: str
    file: Path
    line: int

    @property
    def where(self) -> tuple[Path, int]:
        """File and line."""
        return self.file, self.line

    @property
    def row(self) -> tuple[Section, Key]:
        """The rows of the tables that describe this setting."""
        section = SECTION_BY_NAME[self.section]
        key = section.key(self.key)
        if key is None:
            raise KeyError(self.key)
        return section, key


@dataclass(frozen=True)
class ConfigInput:
    """A file or directory that the config names (`name`, as written) and the conversion reads: a build dependency."""

    path: Path
    section: str
    key: str
    line: int
    kind: Literal["file", "directory"]
    name: str


@dataclass(frozen=True)
class Config:
    """A config file.

    `values` has the last setting of each (section, key); the n-th [model_param], from 2, is 'model_param n'. `included`
    are the files that it includes, and those that these include, in the order in which they were read.
    """

    path: Path
    values: Mapping[tuple[str, str], Setting]
    inputs: tuple[ConfigInput, ...] = ()
    warnings: tuple[str, ...] = ()
    included: tuple[Path, ...] = ()

    def value(self, section: str, key: str) -> Value | None:
        """Return a setting's typed value, or its default."""
        setting = self.values.get((section, key))
        if setting is not None:
            return setting.value
        row = SECTION_BY_NAME[section].key(key)
        return None if row is None else row.default

    @property
    def disable_fusion(self) -> bool:
        """Whether every fusion is switched off."""
        return self.value(REGISTRY, "disable_fusion") == "on"

    @property
    def fusion_blacklists(self) -> tuple[str, ...]:
        """Names of fusions to leave out, as written."""
        return tuple(str(name) for name in self.typed(tuple, REGISTRY, "fusion_blacklists"))

    def refusals(self) -> tuple[Problem, ...]:
        """Return every setting that is spelled correctly and asks for what this converter does not have."""
        return tuple(self._refusals())

    def quant(self) -> QuantOptions | None:
        """Return the quantization that the file asks for; ConversionError with everything that is refused."""
        refusals = self.refusals()
        if refusals:
            raise ConversionError(refusals)
        if (COMMON, "quant_type") not in self.values:
            return None
        return quant_options(self)

    def canonical(self) -> str:
        """Return JSON text of the values that can change the output: no defaults, nothing without effect."""
        sections: dict[str, dict[str, Value]] = {}
        for (name, _), setting in self.values.items():
            _, key = setting.row
            if key.changes_output and setting.value != key.default and self.has_effect(setting):
                sections.setdefault(name, {})[setting.key] = _plain(key, setting.value)
        return json.dumps(sections, sort_keys=True)

    def has_effect(self, setting: Setting) -> bool:
        """Whether anything reads the setting: most sections need a setting elsewhere that switches them on."""
        need = setting.row[0].needs
        if need is None or (need.section, need.key) == (setting.section, setting.key):
            return True
        return self.value(need.section, need.key) == need.value

    def _refusals(self) -> Iterator[Problem]:
        refused_sections: set[str] = set()
        for setting in self.values.values():
            section, key = setting.row
            if section.refusal and section.name not in refused_sections:
                refused_sections.add(section.name)
                message = f"[{section.name}] is not supported: {section.refusal}"
                yield located("E116", message, setting.where, "remove the section")
            elif not section.refusal and self.has_effect(setting) and not key.accepts(setting.value):
                message = f"{key.name}={shown(setting.text)} in [{section.name}] is not supported: {key.refusal}"
                yield located("E116", message, setting.where, _way_out(key))

    def typed(self, kind: type[_T], section: str, key: str) -> _T:
        """Return a setting's value, or its default; TypeError where it is of another kind."""
        value = self.value(section, key)
        if not isinstance(value, kind):
            message = f"[{section}] {key} is {value!r}, not a {kind.__name__}"
            raise TypeError(message)
        return value


def located(code: str, message: str, where: tuple[Path, int], hint: str | None) -> Problem:
    """Return a problem with a line of a config file, or of one that it includes."""
    return Problem(code, message, str(where[0]), where[1], hint=hint)


def _plain(key: Key, value: Value) -> Value:
    """Return a value without what does not matter: names select, whatever their order."""
    if key.kind == "names" and isinstance(value, tuple):
        return tuple(sorted({str(name) for name in value}))
    return value


def _way_out(key: Key) -> str:
    """Say which values convert."""
    if key.accepted:
        return "use " + one_of(f"{key.name}={value}" for value in key.accepted)
    if key.default is None:
        return f"remove '{key.name}'"
    default = str(key.default).lower() if isinstance(key.default, bool) else key.default
    return f"use '{key.name}={default}', or remove it"


def convert_options(config: Config | None, asked: ConvertOptions | None = None) -> ConvertOptions:
    """Join what flags ask for and the config to the options of one conversion; ConversionError with all refusals."""
    asked = asked or ConvertOptions()
    if config is None:
        return asked
    return replace(
        asked,
        quant=config.quant(),
        disable_fusion=asked.disable_fusion or config.disable_fusion,
        fusion_blacklists=config.fusion_blacklists,
    )
