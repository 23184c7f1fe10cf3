"""Every way a conversion can end badly: problems, their codes, the official status they map to.

A stage collects all its `Problem`s and raises them together as one `ConversionError`; `Problems` is the collector.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Status(IntEnum):
    """Return values of the official `converter_lite`; the process exits with the value modulo 256."""

    OK = 0
    ERROR = -1
    PARAM_INVALID = -3
    NOT_SUPPORT = -7
    NOT_FIND_OP = -300
    INVALID_OP_ATTR = -302
    FORMAT_ERR = -400
    INFER_ERR = -500
    INPUT_PARAM_INVALID = -600

    @property
    def exit_code(self) -> int:
        """Process exit code: what the operating system makes of the official return value."""
        return self.value % 256


# One row per problem code: (official status, what the code means).
# Usage, configuration and file problems have the status that the official 2.0.0 converter was seen to return.
CODES: dict[str, tuple[Status, str]] = {
    "E101": (Status.INPUT_PARAM_INVALID, "invalid or unknown command-line flag"),
    "E102": (Status.INPUT_PARAM_INVALID, "command-line flag given twice"),
    "E103": (Status.INPUT_PARAM_INVALID, "command-line flag without a value, or with a wrong one"),
    "E104": (Status.INPUT_PARAM_INVALID, "required command-line flag missing"),
    "E105": (Status.NOT_SUPPORT, "flag or value that this converter does not support"),
    "E110": (Status.INPUT_PARAM_INVALID, "unknown key in the config file"),
    "E111": (Status.INPUT_PARAM_INVALID, "unknown or malformed section in the config file"),
    "E112": (Status.INPUT_PARAM_INVALID, "wrong value in the config file"),
    "E113": (Status.ERROR, "malformed line in the config file"),
    "E114": (Status.ERROR, "config file missing or unreadable"),
    "E115": (Status.ERROR, "file or directory named in the config is missing"),
    "E116": (Status.NOT_SUPPORT, "config feature that this converter does not support"),
    "E120": (Status.ERROR, "output cannot be written"),
    "E201": (Status.NOT_FIND_OP, "operator that cannot be converted"),
    "E202": (Status.INVALID_OP_ATTR, "operator attribute that cannot be converted"),
    "E203": (Status.NOT_SUPPORT, "data type that cannot be converted"),
    "E204": (Status.INFER_ERR, "shape that is unknown or does not fit"),
    "E205": (Status.NOT_SUPPORT, "order of reads and writes that the device cannot keep"),
    "E206": (Status.NOT_SUPPORT, "control flow that cannot be converted"),
    "E207": (Status.PARAM_INVALID, "model does not fit the requested conversion"),
    "E208": (Status.NOT_SUPPORT, "model too large for one .ms file"),
    "E301": (Status.ERROR, "model file missing or unreadable"),
    "E302": (Status.ERROR, "not a MindIR file, or damaged"),
    "E303": (Status.ERROR, "MindIR version that is not known"),
    "E304": (Status.ERROR, "encrypted model"),
    "E305": (Status.ERROR, "invalid reference inside the model"),
    "E306": (Status.ERROR, "split weight file missing, damaged or outside the model's directory"),
    "E310": (Status.ERROR, "not a .ms file, or damaged"),
    "E401": (Status.ERROR, "quantization failed"),
    "E501": (Status.ERROR, "verification failed"),
    "E502": (Status.ERROR, "models that take more flash or RAM than the budget allows"),
    "E503": (Status.ERROR, "other converter that failed, or cannot be used"),
    "E601": (Status.ERROR, "input data does not fit the model"),
    "E602": (Status.NOT_SUPPORT, "the device runtime refuses or cannot run this model"),
    "E901": (Status.ERROR, "bug in the converter"),
    "E902": (Status.ERROR, "package that the converter needs is not installed"),
}


@dataclass(frozen=True)
class Problem:
    """One located problem.

    `path` (with `line`) is the user's file; `node`, `op` and `scope` name the user's operator; `hint` is a next step.
    """

    code: str
    message: str
    path: str | None = None
    line: int | None = None
    node: str | None = None
    op: str | None = None
    scope: str | None = None
    hint: str | None = None

    def __post_init__(self) -> None:
        """Refuse a code without a row in `CODES`."""
        if self.code not in CODES:
            message = f"no such problem code: {self.code}"
            raise ValueError(message)

    def __str__(self) -> str:
        """Render as `path:line: error[code]: message` with indented node, scope and hint lines."""
        where = self.path or ""
        if where and self.line is not None:
            where += f":{self.line}"
        lines = [f"{where}: error[{self.code}]: {self.message}" if where else f"error[{self.code}]: {self.message}"]
        if self.node is not None:
            lines.append(f"   node: {self.node}" + (f" ({self.op})" if self.op else ""))
        if self.scope is not None:
            lines.append(f"  scope: {self.scope}")
        if self.hint is not None:
            lines.append(f"   hint: {self.hint}")
        return "\n".join(lines)


class ConversionError(Exception):
    """All problems that one stage found. Never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order in which they were found."""
        self.problems = tuple(problems)
        if not self.problems:
            message = "a ConversionError needs at least one problem"
            raise ValueError(message)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def status(self) -> Status:
        """Official status of the first problem."""
        return CODES[self.problems[0].code][0]


@dataclass
class Problems:
    """Collector: `add` as they are found, `raise_if_any` at the end of the stage."""

    found: list[Problem] = field(default_factory=list)
    # A damaged file may have a problem for each of its bytes.
    _seen: set[Problem] = field(default_factory=set, repr=False, compare=False)

    def add(self, problem: Problem) -> None:
        """Remember one problem; an exact repeat is kept once."""
        if problem not in self._seen:
            self._seen.add(problem)
            self.found.append(problem)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Collect what the block raises as `ConversionError`, and go on behind the block."""
        try:
            yield
        except ConversionError as wrong:
            self.found.extend(wrong.problems)

    def raise_if_any(self) -> None:
        """Raise everything found so far as one `ConversionError`."""
        if self.found:
            raise ConversionError(self.found)


def fail(code: str, message: str, **where: str | int | None) -> ConversionError:
    """Make the error for a single problem, to be raised by the caller; `where` are fields of `Problem`."""
    return ConversionError([Problem(code, message, **where)])  # type: ignore[arg-type]
