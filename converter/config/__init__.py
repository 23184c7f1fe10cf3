"""The config file: `.cfg` text to typed settings, every one with its file and line. Standard library only."""

from __future__ import annotations

from converter.config.files import included_files
from converter.config.parse import load_config, parse_config
from converter.config.settings import Config, ConfigInput, Setting, convert_options

__all__ = ["Config", "ConfigInput", "Setting", "convert_options", "included_files", "load_config", "parse_config"]
