"""SCons tool: MindSpore `.mindir` models become trainable MindSpore Lite `.ms` files inside a build.

    env = Environment(tools=["default", "mslite"])
    env.MSLiteModel("build/lenet.ms", "models/lenet.mindir", MSLITE_CONFIG="models/lenet.cfg", MSLITE_TRAIN=True)

`scons models` builds all of them. What a config says is compared in canonical form, so that a comment rebuilds nothing,
and `env.MSLiteEmbed` puts the models into a firmware. Nothing heavy (numpy, protobuf) is imported into SCons's process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import cache, decider, embed, home, model, variables

if TYPE_CHECKING:
    from .scons_types import Env


def generate(env: Env) -> None:
    """Give `env` the methods `MSLiteModel`, `MSLiteEmbed` and `MSLiteDecider`, and the variables `MSLITE_*`."""
    env.SetDefault(**variables.defaults())
    env.AddMethod(model.declare_models, "MSLiteModel")
    env.AddMethod(embed.declare_embedding, "MSLiteEmbed")
    env.AddMethod(decider.install, "MSLiteDecider")
    env.AddMethod(cache.install, "MSLiteCacheDir")


def exists(_env: Env) -> bool:
    """Whether the converter can be found."""
    return home.find_root() is not None
