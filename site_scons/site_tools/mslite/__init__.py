"""SCons tool: MindSpore `.mindir` models become trainable MindSpore Lite `.ms` files inside a build.

    env = Environment(tools=["default", "mslite"])
    env.MSLiteModel("build/lenet.ms", "models/lenet.mindir", MSLITE_CONFIG="models/lenet.cfg", MSLITE_TRAIN=True)

`scons models` builds all of them. Each model is a two-step graph, config → canonical options (JSON) → `.ms`, so that
a comment in a config rebuilds nothing. Nothing heavy (numpy, protobuf) is imported into SCons's own process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import decider, home, model, variables

if TYPE_CHECKING:
    from .scons_types import Env


def generate(env: Env) -> None:
    """Give `env` the method `MSLiteModel`, the method `MSLiteDecider` and the construction variables `MSLITE_*`."""
    env.SetDefault(**variables.defaults())
    env.AddMethod(model.declare_models, "MSLiteModel")
    env.AddMethod(decider.install, "MSLiteDecider")


def exists(_env: Env) -> bool:
    """Whether the converter can be found."""
    return home.find_root() is not None
