"""The converter's version: part of every SCons signature and of the `.ms` version string."""

__version__ = "0.1.0"
