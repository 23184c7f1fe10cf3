"""SCons tool: MindSpore `.mindir` models become trainable MindSpore Lite `.ms` files inside a build.

    env = Environment(tools=["default", "mslite"])
    env.MSLiteModel("build/lenet.ms", "models/lenet.mindir", MSLITE_CONFIG="models/lenet.cfg", MSLITE_TRAIN=True)

`scons models` builds all of them. What a config says is compared in canonical form, so that a comment rebuilds nothing,
and `env.MSLiteEmbed` puts the models into a firmware. Nothing heavy (numpy, protobuf) is imported into SCons's process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import decider, home, model, variables

if TYPE_CHECKING:
    from .scons_types import Env, Nodes


def generate(env: Env) -> None:
    """Give `env` the methods `MSLiteModel`, `MSLiteEmbed` and `MSLiteDecider`, and the variables `MSLITE_*`."""
    env.SetDefault(**variables.defaults())
    env.AddMethod(model.declare_models, "MSLiteModel")
    env.AddMethod(_embed, "MSLiteEmbed")
    env.AddMethod(decider.install, "MSLiteDecider")
    env.AddMethod(_use_cache, "MSLiteCacheDir")


# Most builds are up to date: what not all of them need is loaded when it is called.


def _embed(env: Env, *models: Nodes, **overrides: object) -> Nodes:
    """`env.MSLiteEmbed(models…)`: see embed.py."""
    from .embed import declare_embedding  # noqa: PLC0415 - see above

    return declare_embedding(env, *models, **overrides)


def _use_cache(env: Env, *arguments: object, **settings: object) -> None:
    """`env.MSLiteCacheDir(path, …)`: see cache.py."""
    from . import cache  # noqa: PLC0415 - see above

    install: Any = cache.install
    install(env, *arguments, **settings)


def exists(_env: Env) -> bool:
    """Whether the converter can be found."""
    return home.find_root() is not None
