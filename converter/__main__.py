"""The `converter_lite` command line: `python -m converter --fmk=MINDIR --modelFile=… --outputFile=…`."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from converter.config import load_config
from converter.encryption.process_title import cover_arguments
from converter.errors import ConversionError, Problem, Status
from converter.flags import Flags, given_keys, parse_flags, usage
from converter.progress import terminal_progress
from converter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from converter.ir import Model
    from converter.report import Report

_USAGE_CODES = ("E101", "E102", "E103", "E104", "E105")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one conversion; returns the exit code (facts §6.3): the official status modulo 256."""
    for stream in (sys.stdout, sys.stderr):
        # A path from the command line may hold bytes that are no text.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    cover_arguments(*given_keys(arguments))
    try:
        return _run(arguments)
    except ConversionError as failure:
        return _report_failure(failure, arguments)
    except KeyboardInterrupt:
        return 130
    except Exception as problem:  # noqa: BLE001 - the last resort: a bug must not look like a user's mistake
        hint = "please report this with the model and --traceback"
        bug = Problem("E901", f"{type(problem).__name__}: {problem}", hint=hint)
        defect = ConversionError([bug])
        defect.__cause__ = problem
        return _report_failure(defect, arguments)


def _run(arguments: list[str]) -> int:
    """Parse, convert, write."""
    flags = parse_flags(arguments)
    if flags.show_help:
        print(usage(), end="")
        return Status.OK
    if flags.show_version:
        print(f"converter_lite {__version__}")
        return Status.OK
    config = load_config(flags.config_file) if flags.config_file is not None else None
    options = flags.options(config)
    keys = flags.keys()
    for warning in config.warnings if config is not None else ():
        print(f"warning: {warning}", file=sys.stderr)
    # Imported here: --help and mistakes on the command line need neither numpy nor protobuf.
    from converter.api import convert_file  # noqa: PLC0415

    report = convert_file(
        flags.model_file,
        flags.output_file,
        options,
        keys=keys,
        watch=_dumper(flags),
        progress=terminal_progress() if options.quant is not None else None,
    )
    for warning in report.warnings():
        print(f"{flags.model_file}: warning: {warning}", file=sys.stderr)
    if flags.report is not None:
        _write_report(flags.report, report)
    print(f"CONVERT RESULT SUCCESS:{Status.OK.value}")
    return Status.OK


def _report_failure(failure: ConversionError, arguments: Sequence[str]) -> int:
    """Status line on stdout, located messages on stderr; after a wrong command line also how to ask for help."""
    print(f"CONVERT RESULT FAILED:{failure.status.value}")
    sys.stdout.flush()
    if "--traceback" in arguments:
        traceback.print_exception(failure, file=sys.stderr)
    print(failure, file=sys.stderr)
    if any(problem.code in _USAGE_CODES for problem in failure.problems):
        print("'converter_lite --help' lists all flags", file=sys.stderr)
    return failure.status.exit_code


def _dumper(flags: Flags) -> Callable[[str, Model], None] | None:
    """With --dump-ir, a watcher that writes the model's text after every pass."""
    if flags.dump_ir is None:
        return None
    folder: Path = flags.dump_ir
    from converter.ir.printer import model_text  # noqa: PLC0415 - as above
    from converter.output import replacing  # noqa: PLC0415

    count = 0

    def dump(name: str, model: Model) -> None:
        nonlocal count
        with replacing(folder / f"{count:02d}-{name}.txt") as file:
            file.write(model_text(model).encode("utf-8"))
        count += 1

    return dump


def _write_report(path: Path, report: Report) -> None:
    """The JSON report."""
    from converter.output import replacing  # noqa: PLC0415 - as above

    with replacing(path) as file:
        file.write((json.dumps(report.json(), indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


def run() -> NoReturn:
    """A whole process: it makes one graph and ends, so nothing need be collected, nor taken apart at the end.

    That is a fifth of the time of a small model.
    """
    gc.disable()
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(status)  # Python tells what became of the streams
    os._exit(status)


if __name__ == "__main__":
    run()
