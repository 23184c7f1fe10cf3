"""docs/configuration.md, printed from the tables: `python -m converter.config.page > docs/configuration.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from converter.config.sections import SECTION_BY_NAME, SECTIONS
from converter.config.values import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from converter.config.keys import Key, Need, Section, Value

_CONFIG = """\
# Configuration

Printed from the tables of sections in `converter/config/`; change them, then run
`python -m converter.config.page > docs/configuration.md`.

The file given with `--configFile` (the other flags: [command_line.md](command_line.md)). What is wrong with it is
reported all at once, with file and line.

* One setting per line, `key=value`, below a `[section]` header. Blanks around all parts are ignored, every `"` is
  deleted, a value cannot contain `=`.
* A comment is a line with `#` in the first column. Text after a value belongs to the value.
* Names of sections and keys are case-sensitive, and so are values, except `true` and `false`.
* A section may come again and goes on. A setting may come again: the last one counts, with a warning.
* `include=FILE` before the first section is an addition of this converter: the settings of another config file, whose
  place counts from the file that includes it. What follows replaces them, one setting at a time, so several models can
  share a file. An included file may include others.
* At most 9999 lines that are neither blank nor comments; UTF-8.
* A relative file or directory name is looked up beside the file in which it stands. Only where nothing is there it is
  looked up in the working directory, which is where the official converter looks. Where it exists in both places, the
  one beside the config file is used, with a warning. Everything that is named must exist, except places that are
  written to.
* A section that nothing reads (for example `[full_quant_param]` with `quant_type=WEIGHT_QUANT`) is checked, and warned
  about.

What the official converter ignores without a word is an error here: an unknown section, a section name in another
case or without `]`, settings before the first section, a config of version 1.x without sections, `[common_quant_param]`
without `quant_type`.

*Refused* below means: spelled correctly, but this converter does not have it; the conversion stops with E116 and the
reason and the setting to change. Defaults are accepted everywhere.
"""

_KINDS = {
    "bool": "`true`, `false`",
    "int": "whole number",
    "float": "number",
    "floats": "`[a,b,c]`, numbers",
    "names": "names separated by `,`",
    "text": "text",
    "place": "path, written to",
    "file": "file",
    "files": "at most 10 files separated by `;`",
    "directory": "directory",
    "calibration": "`input:directory,input2:directory2`",
}


def page() -> str:
    """Return the text of docs/configuration.md."""
    return "\n".join([_CONFIG, *map(_section, SECTIONS)])


def _section(section: Section) -> str:
    lines = [f"## [{section.name}]\n", section.about]
    if section.needs is not None:
        need = section.needs
        lines.append(f"Has an effect with `{need.key}={_plain(need.value)}` in `[{need.section}]`.")
        if not _is_reachable(need):
            lines.append("Refused together with it.")
    if section.refusal:
        lines.append(f"Refused: {section.refusal}.")
    if section.is_repeated:
        lines.append("Each header starts a further model.")
    text = " ".join(lines[1:])
    if section.is_free_form:
        return f"{lines[0]}\n{text} Any key.\n"
    is_refused = bool(section.refusal) or (section.needs is not None and not _is_reachable(section.needs))
    rows = (_key_row(key, is_refused=is_refused) for key in section.keys)
    return f"{lines[0]}\n{text}\n\n" + _table(("key", "type and range", "default", "meaning", "supported"), rows)


def _is_reachable(need: Need) -> bool:
    """Whether the setting that switches a section on converts."""
    key = SECTION_BY_NAME[need.section].key(need.key)
    return key is not None and key.accepts(need.value)


def _key_row(key: Key, *, is_refused: bool) -> Sequence[str]:
    kind = _choices(key.values) or _KINDS[key.kind]
    if key.kind in {"int", "float"}:
        kind += f" {limits(key)}"
    default = "" if key.default in {None, ()} else _code(_plain(key.default))
    support = "refused" if is_refused and not key.refusal else _support(key.refusal, key.accepted, key.default)
    return f"`{key.name}`", kind, default, key.about, support


def _support(refusal: str, accepted: Sequence[Value], default: Value | None) -> str:
    if not refusal:
        return "yes"
    honored = [_code(_plain(value)) for value in dict.fromkeys((*accepted, default)) if value not in {None, ""}]
    return f"{' and '.join(honored)} only: {refusal}" if honored else f"refused: {refusal}"


def _plain(value: Value | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _choices(values: Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["--"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
