"""`env.MSLiteModel(target, source, …)`: declares a model, its record and its place in the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from SCons.Builder import Builder
from SCons.Node import NodeList

from . import backend, home, manifest, scratch, signature, unchanged
from .complaint import complain
from .places import RECORD_SUFFIX
from .scanning import MODEL_SCANNER, NO_SCANNER
from .signed import SignedAction

if TYPE_CHECKING:
    from SCons.Errors import BuildError

    from .scons_types import Env, Node, Nodes


def declare_models(env: Env, target: Nodes, source: Nodes = None, **overrides: object) -> Nodes:
    """Declare the conversion of one or several `.mindir` models; return the `.ms` nodes.

    Args:
        env: Construction environment.
        target: One `.ms` per source. Without `source`, this is the source, and the target has its name.
        source: A `.mindir` model, or a list of them.
        overrides: Construction variables for these models: `MSLITE_CONFIG`, `MSLITE_TRAIN`, `MSLITE_FLAGS`, …

    Raises:
        UserError: Targets and sources do not pair, or a flag cannot be used.
    """
    home.require()
    if source is None:
        target, source = None, target
    sources = env.Flatten([source])
    targets = [None] * len(sources) if target is None else env.Flatten([target])
    if len(targets) != len(sources):
        counts = f"{len(targets)} for {len(sources)}"
        raise complain(f"MSLiteModel: as many targets as sources, please ({counts}); each .mindir makes one .ms")
    config = overrides.get("MSLITE_CONFIG", env.get("MSLITE_CONFIG"))
    node = env.File(config) if config else None
    # The config's values are in the signature; it only has to be there first, should the build make it.
    is_made = node is not None and node.has_builder()
    given = env.Override({**overrides, "MSLITE_CONFIG": node, "_MSLITE_REQUIRED": is_made})
    backend.check(given)
    return NodeList(_declare(given, *pair) for pair in zip(targets, sources, strict=True))


def _declare(env: Env, target: Nodes, source: Nodes) -> Node:
    """Declare one model in an environment that has its variables; return its `.ms` node."""
    if target is not None:
        source = _named_as_stored(env, source)
    made = _CONVERT(env, target, [source])
    if env["_MSLITE_REQUIRED"]:
        env.Requires(made, env["MSLITE_CONFIG"])
    scratch.distrust_unrecorded(env, made)
    manifest.add(env, unchanged.Declared(made[0].sources[0], made[0], made[1], env))
    return made[0]


def _named_as_stored(env: Env, source: Nodes) -> Node:
    """The source under the name that SCons writes down for it.

    A source in a variant directory that is not copied is stored as the file it stands for; `--debug=explain` would then
    report it as gone and new in every build, and keep the real reason to itself.
    """
    (node,) = env.arg2nodes(source, env.fs.File)
    original = node.srcnode()
    return original if not node.has_builder() and original.exists() else node


def _add_record(target: Nodes, source: Nodes, env: Env) -> tuple[Nodes, Nodes]:
    """Emitter: the record is made along with the `.ms`."""
    return [*target, env.fs.File(target[0].get_abspath() + RECORD_SUFFIX)], source


def _convert(target: Nodes, source: Nodes, env: Env) -> BuildError | None:
    """Convert; what that needs is loaded now."""
    from . import convert_step  # noqa: PLC0415 - an up-to-date build converts nothing

    return convert_step.convert(target, source, env)


def _describe(target: Nodes, _source: Nodes, env: Env) -> str:
    """Return the signature text, and keep it for the next build."""
    text = signature.text(env)
    unchanged.note_text(target[0], text)
    return text


_CONVERT = Builder(
    action=SignedAction(_convert, _describe, signature.announce),
    suffix=".ms",
    src_suffix=".mindir",
    source_scanner=MODEL_SCANNER,
    target_scanner=NO_SCANNER,
    emitter=_add_record,
)
