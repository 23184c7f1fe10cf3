"""Config text to a `Config`: sections, keys and values are looked up in the tables, all problems are collected.

`include=FILE` before the first section is an addition of ours: the settings of another file, which those that follow
may replace.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from converter.config.files import find_inputs, named_inputs, read_text
from converter.config.hints import closest, did_you_mean, one_of, shown
from converter.config.keys import COMMON, Section
from converter.config.sections import OLD_KEYS, SECTION_BY_NAME, SECTIONS
from converter.config.settings import Config, Setting, located
from converter.config.syntax import INCLUDE, MOST_INCLUDED, Entry, Header, scan
from converter.config.together import Together
from converter.config.values import WrongValueError, read_value
from converter.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

    from converter.errors import Problem


def parse_config(text: str, path: Path) -> Config:
    """Parse a config file's text, reading what it includes: named files are taken to lie beside the file naming them.

    Raises:
        ConversionError: with every problem of the text, located.
    """
    config, problems = _parse(text, path)
    if problems:
        raise ConversionError(problems)
    return config


def load_config(path: Path) -> Config:
    """Read and parse a config file, and find the files and directories that it names.

    Raises:
        ConversionError: with every problem of the text and every missing file, located.
    """
    config, problems = _parse(read_text(path), path)
    inputs, missing, warnings = find_inputs(config)
    problems += missing
    if problems:
        raise ConversionError(_sorted(problems))
    return replace(config, inputs=inputs, warnings=config.warnings + warnings)


def _parse(text: str, path: Path) -> tuple[Config, list[Problem]]:
    """Return what could be understood, and the problems of the rest in the order of their lines."""
    builder = _Builder(path)
    builder.add_text(text)
    config = Config(path, builder.values, included=tuple(builder.included))
    together = Together(config, builder.mentioned, builder.common)
    warnings = (*builder.warnings, *_idle_sections(config), *together.warnings())
    config = replace(config, inputs=named_inputs(config), warnings=warnings)
    return config, _sorted([*builder.problems, *together.problems()])


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.path or "", problem.line or 0))


@dataclass
class _Builder:
    """Walks over the lines. `section` is None where entries cannot be checked: their header means nothing."""

    path: Path
    problems: list[Problem] = field(default_factory=list)
    has_headers: bool = False
    values: dict[tuple[str, str], Setting] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    section: Section | None = None
    is_before_headers: bool = True
    common: tuple[Path, int] | None = None
    mentioned: set[tuple[str, str]] = field(default_factory=set)
    repetitions: int = 0
    included: list[Path] = field(default_factory=list)
    including: tuple[Path, ...] = ()

    def problem(self, code: str, line: int, message: str, hint: str | None) -> None:
        self.problems.append(located(code, message, (self.path, line), hint))

    def add_text(self, text: str) -> None:
        """Walk over the lines of `path`."""
        items, problems = scan(text, str(self.path))
        self.problems += problems
        self.has_headers = any(isinstance(item, Header) for item in items)
        for item in items:
            if isinstance(item, Header):
                self.start_section(item)
            else:
                self.add_entry(item)

    def include(self, entry: Entry) -> None:
        """Walk over the lines of another file, and come back."""
        path = self.path.parent / entry.text
        chain = (*self.including, self.path)
        if path.resolve() in {each.resolve() for each in chain}:
            self.problem("E113", entry.line, f"include: '{shown(entry.text)}' includes itself", "remove the line")
            return
        if len(self.included) == MOST_INCLUDED:
            self.problem("E113", entry.line, f"include: more than {MOST_INCLUDED} files", None)
            return
        try:
            text = read_text(path)
        except ConversionError as failure:
            hint = "a relative name is looked up beside the file that includes it"
            self.problem("E115", entry.line, f"include: '{shown(entry.text)}': {failure.problems[0].message}", hint)
            return
        self.included.append(path)
        # What is found goes into the same tables.
        inner = replace(self, path=path, including=chain)
        inner.add_text(text)
        self.common, self.repetitions = inner.common, inner.repetitions

    def start_section(self, header: Header) -> None:
        """Enter a section; under a misspelled header go on with the section that was probably meant."""
        self.is_before_headers = False
        known = SECTION_BY_NAME.get(header.name)
        if known is None or header.rest != "":
            known = self._wrong_header(header)
        self.section = known
        if known is not None and known.is_repeated:
            self.repetitions += 1
        if known is not None and known.name == COMMON and self.common is None:
            self.common = self.path, header.line

    def _wrong_header(self, header: Header) -> Section | None:
        meant = closest(header.name, SECTION_BY_NAME)
        hint = None if meant is None else f"did you mean '[{meant}]'?"
        if header.rest is None:
            message = f"'[{shown(header.name)}' has no ']'"
            hint = None if meant is None else f"write '[{meant}]'"
        elif header.rest:
            message = f"'{shown(header.rest)}' after ']'"
            if header.rest.startswith("#"):
                hint = "a comment needs a line of its own, with '#' in the first column"
        else:
            message = f"unknown section [{shown(header.name)}]"
        self.problem("E111", header.line, message, hint)
        return None if meant is None else SECTION_BY_NAME[meant]

    def add_entry(self, entry: Entry) -> None:
        """Type and check one setting; the last of several wins, as in the official converter."""
        if self.is_before_headers:
            (self.include if entry.key == INCLUDE else self._stray_entry)(entry)
            return
        if self.section is None:
            return
        key = self.section.key(entry.key)
        if key is None:
            self._unknown_key(self.section, entry)
            return
        self.mentioned.add((self.section.name, key.name))
        try:
            value = read_value(key, entry.text)
        except WrongValueError as wrong:
            message = f"{key.name} in [{self.section.name}]: {wrong.message}"
            self.problem("E112", entry.line, message, wrong.hint)
            return
        self._keep(Setting(self.section.name, key.name, value, entry.text, self.path, entry.line), self.section)

    def _keep(self, setting: Setting, section: Section) -> None:
        is_further = section.is_repeated and self.repetitions > 1
        place = f"{section.name} {self.repetitions}" if is_further else section.name
        earlier = self.values.get((place, setting.key))
        if earlier is not None and earlier.file == self.path:
            self.warnings.append(
                f"{self.path}:{setting.line}: '{shown(setting.key)}' stands in [{place}] again;"
                f" the value of line {earlier.line} is not used"
            )
        self.values[place, setting.key] = setting

    def _stray_entry(self, entry: Entry) -> None:
        """Report an entry that the official converter ignores without a word."""
        name = shown(entry.key)
        if self.has_headers:
            message = f"'{name}' stands before the first [section]: nothing reads it"
        else:
            message = f"'{name}' stands in no [section]: a config of version 1.x, which nothing reads today"
        homes = [f"[{section.name}]" for section in SECTIONS if not section.is_free_form and section.key(entry.key)]
        hint = f"move it under {one_of(homes)}" if homes else None
        self.problem("E111", entry.line, message, OLD_KEYS.get(entry.key, hint))

    def _unknown_key(self, section: Section, entry: Entry) -> None:
        names = tuple(key.name for key in section.keys)
        meant = closest(entry.key, names)
        if meant is not None:
            self.mentioned.add((section.name, meant))
        hint = did_you_mean(entry.key, names)
        if entry.key == INCLUDE:
            hint = "it belongs before the first [section]"
        elif entry.key.strip() in names:
            hint = "remove the tab"
        elif hint is None:
            homes = [f"[{other.name}]" for other in SECTIONS if not other.is_free_form and other.key(entry.key)]
            hint = f"it belongs in {one_of(homes)}" if homes else None
        self.problem("E110", entry.line, f"unknown key '{shown(entry.key)}' in [{section.name}]", hint)


def _idle_sections(config: Config) -> tuple[str, ...]:
    """Warn, once per section, of settings that nothing reads."""
    warnings: dict[str, str] = {}
    for setting in config.values.values():
        need = setting.row[0].needs
        if need is not None and not config.has_effect(setting):
            wanted = str(need.value).lower() if isinstance(need.value, bool) else need.value
            warnings.setdefault(
                setting.section,
                f"{setting.file}:{setting.line}: [{setting.section}] has no effect:"
                f" it needs {need.key}={wanted} in [{need.section}]",
            )
    return tuple(warnings.values())
