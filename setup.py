"""Packages of the distribution: the converter, and the SCons tool from the very files that an in-tree build uses."""

from __future__ import annotations

from setuptools import find_packages, setup

TOOL = "scons_mslite.site_tools.mslite"

setup(
    packages=[*find_packages(include=["converter", "converter.*"]), "scons_mslite", TOOL],
    package_dir={"": ".", TOOL: "site_scons/site_tools/mslite"},
)
