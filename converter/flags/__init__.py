"""The command line of `converter_lite`: a table of flags, argv to typed flags, the text of --help, a page."""

from converter.flags.command_line import Flags, output_path, parse_flags
from converter.flags.reader import given_keys
from converter.flags.usage import usage

__all__ = ["Flags", "given_keys", "output_path", "parse_flags", "usage"]
